"""Mixed models of participants crossed with items: binary and ordinal by Laplace approximation, Gaussian by REML.

``fit("correct ~ condition + (1 | participant) + (1 | item)", frame, family="binary")``. Compared with lme4, ordinal and
glmmTMB in ``fixtures/reference/mixed_models.json``.
"""

from study.statistics.mixed_models.design import ModelError
from study.statistics.mixed_models.fitting import fit
from study.statistics.mixed_models.model import Contrast, MixedModel, RandomEffects

__all__ = ["Contrast", "MixedModel", "ModelError", "RandomEffects", "fit"]
