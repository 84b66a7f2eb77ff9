"""Mixed models on data that no model made: fitted without overflow, or refused in a sentence."""

import warnings

import numpy as np
import pandas as pd
import pytest

from study.statistics.mixed_models import ModelError, fit
from study.statistics.mixed_models.likelihoods import Ordinal


def extreme(seed):
    """A formula and few answers, many all alike: effects of up to 100 logits, units of a thousand, absent noise."""
    rng = np.random.default_rng(seed)
    participants, items = int(rng.integers(2, 12)), int(rng.integers(2, 10))
    p, i = np.repeat(np.arange(participants), items), np.tile(np.arange(items), participants)
    c = (p + i) % 2 if rng.random() < 0.6 else (p % 2 if rng.random() < 0.5 else i % 2)
    scale = rng.choice([0.3, 2, 10, 50])
    eta = rng.normal(0, scale, participants)[p] + rng.normal(0, scale, items)[i] + c * rng.normal(0, scale * 2)
    family = str(rng.choice(["binary", "ordinal", "gaussian"]))
    frame = pd.DataFrame({"p": p, "i": i, "c": c, "x": rng.normal(size=len(p)) * rng.choice([1, 1, 1e3])})
    if family == "binary":
        frame["y"] = (rng.random(len(p)) < 1 / (1 + np.exp(-np.clip(eta, -500, 500)))).astype(int)
    elif family == "ordinal":
        edges = np.sort(rng.normal(0, scale * 2, rng.integers(2, 8)))
        frame["y"] = np.digitize(eta + rng.logistic(size=len(p)), edges)
    else:
        frame["y"] = eta + rng.normal(size=len(p)) * rng.choice([0, 1e-3, 1])
    frame = frame[rng.random(len(frame)) < rng.choice([1, 0.6])]
    effects = "1 + c" if rng.random() < 0.5 else "1"
    fixed = "c" if rng.random() < 0.7 else "c + x"
    return f"y ~ {fixed} + ({effects}|p) + ({effects}|i)", frame, family, bool(rng.random() < 0.5)


# Each of these overflowed, or ended in a matrix that was not positive definite.
@pytest.mark.parametrize("seed", [300002, 300003, 300015, 300018, 300027])
def test_extreme_answers_give_finite_numbers_or_a_sentence_and_never_a_numerical_warning(seed):
    formula, frame, family, is_restricted = extreme(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            model = fit(formula, frame, family=family, reml=is_restricted)
            said = [*model.beta, model.log_likelihood]
        except ModelError as error:
            said = str(error)
    assert said.endswith(".") if isinstance(said, str) else np.isfinite(said).all()


def test_thresholds_far_apart_have_a_finite_gradient_that_differences_confirm():
    likelihood = Ordinal(np.array([0, 1, 1, 2, 3]), 4)
    eta = np.array([-2.0, 0.5, 1.0, 900.0, 2000.0])
    own = np.array([-1.0, 800.0, 1700.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        kept = likelihood.derivatives(eta, own)
        gradient = likelihood.own_gradient(kept, own, np.zeros(5), np.zeros(5))
    # Without leverages the objective is minus the log-density.
    for place in range(3):
        step = np.eye(3)[place] * 1e-4
        rise = likelihood.derivatives(eta, own - step).total - likelihood.derivatives(eta, own + step).total
        assert gradient[place] == pytest.approx(rise / 2e-4, abs=1e-6)
