"""Class model.

Simonyan, Vedaldi & Zisserman 2013, https://arxiv.org/abs/1312.6034, section 2: the image that maximises
S_c(x) - penalty * |x - mean image|^2 for the unnormalised score S_c, by gradient ascent from near the mean image. Other
scalars come with the target, other priors by name.
"""

from torch import Tensor

from attribution.networks import Network
from attribution.targets import Target
from attribution.visualizations import Progress, Visualized
from attribution.visualizations._ascent import climb_class
from attribution.visualizations._priors import prior as prior_named

VERSION = 1
PASSES = "GRADIENT * (steps + 1) * restarts"
EXPLAINS = ("class", "contrast")


def visualize(
    network: Network,
    target: Target,
    template: Tensor | None = None,
    *,
    seed: int,
    progress: Progress,
    steps: int = 200,
    step_size: float = 0.1,
    prior: str = "l2",
    penalty: float = 0.02,
    blur: float = 0.5,
    jitter: int = 8,
    restarts: int = 4,
    noise: float = 0.01,
    clip: bool = True,
) -> Visualized:
    """Images (restarts, 3, S, S); one forward and backward pass a step for all restarts together.

    ``prior`` is none, l2, tv, blur, jitter, fourier or phase; ``penalty`` counts in squared units of the image's own
    [0, 1] (tv: in units), ``step_size`` is a root mean square in them. With ``clip`` images stay in [0, 1]; without,
    they are the free optimum, and the notes tell their range. ``template`` (n, 3, S, S) are the images whose mean
    magnitudes the prior phase keeps; without any it keeps 1/f.
    """
    if target.index is None:
        raise ValueError("A class model is of a class; for a channel or position take the visualization “unit”.")
    if restarts < 1 or penalty < 0:
        raise ValueError("A class model needs at least 1 restart and a penalty that is not below 0.")
    if template is not None and prior != "phase":
        raise ValueError(f"A template's magnitudes are kept by the prior “phase”, not by “{prior}”.")
    chosen = prior_named(
        prior,
        network,
        seed=seed,
        restarts=restarts,
        noise=noise,
        penalty=penalty,
        blur=blur,
        jitter=jitter,
        clip=clip,
        template=template,
    )
    return climb_class(network, target, chosen, steps=steps, step_size=step_size, progress=progress)
