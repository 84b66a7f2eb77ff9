"""Edit of a real image.

Gradient steps on the image, not on the weights, toward a class, within a distance: an experiment that Simonyan et al.
2013, https://arxiv.org/abs/1312.6034, leave out. Raw steps are adversarial examples (Szegedy et al. 2014,
https://arxiv.org/abs/1312.6199): the score rises by what nobody sees. Smoothed or low-pass steps must show something.
"""

import torch
from torch import Tensor

from attribution.networks import Network
from attribution.smoothing import blurred
from attribution.spectrum import filtered, frequencies
from attribution.targets import Target
from attribution.visualizations import Progress, Visualized
from attribution.visualizations._ascent import Noted, class_scores, climb, curve_point

VERSION = 1
PASSES = "GRADIENT * (steps + 1)"
EXPLAINS = ("class", "contrast")
PRIORS = ("raw", "smoothed", "low_pass")


def visualize(
    network: Network,
    target: Target,
    *,
    seed: int,
    progress: Progress,
    start: Tensor,
    steps: int = 60,
    step_size: float = 0.01,
    prior: str = "smoothed",
    budget: float = 0.1,
    blur: float = 0.01,
    cutoff: float = 0.1,
    frames: int = 6,
) -> Visualized:
    """One image (1, 3, S, S) in [0, 1], and its path (frames, 1, 3, S, S) from ``start`` (1, 3, S, S).

    ``budget`` bounds the root mean square of the change, in the image's own [0, 1]; ``blur`` is a Gaussian's deviation
    as a share of the side (smoothed), ``cutoff`` the highest frequency in cycles a pixel (low_pass).
    """
    if target.index is None:
        raise ValueError("An edit goes toward a class; a channel or position of a layer is climbed by “unit”.")
    if prior not in PRIORS:
        raise ValueError(f"There is no prior “{prior}”; there are: {', '.join(PRIORS)}.")
    if budget <= 0 or frames < 2:
        raise ValueError("An edit needs a budget above 0 and at least 2 frames, its beginning and its end.")
    size = start.shape[-1]
    passed = (frequencies(size, size, device=start.device) <= cutoff).to(start)

    def change(variables: Tensor) -> Tensor:
        if prior == "smoothed":
            return blurred(variables, blur * size)
        return filtered(variables, passed) if prior == "low_pass" else variables

    def edited(variables: Tensor) -> Tensor:
        return (start + change(variables)).clamp(0, 1)

    def within_budget(variables: Tensor) -> Tensor:
        spent = change(variables).square().mean().sqrt()
        return variables * (budget / spent.clamp(min=budget))

    def objective(variables: Tensor, step: int) -> tuple[Tensor, Noted]:
        images = edited(variables)
        climbed, logits = class_scores(network, images, target)
        moved = (images.detach() - start).flatten(1).norm(dim=1)
        return climbed, {**curve_point(target, logits.detach()), "distance": moved.tolist()}

    kept = {round(frame * steps / (frames - 1)) for frame in range(frames)}
    path: list[Tensor] = []

    def keep(step: int, variables: Tensor) -> None:
        if step in kept:
            with torch.no_grad():
                path.append(edited(variables))

    variables, curves = climb(
        network,
        torch.zeros_like(start),
        objective,
        steps=steps,
        step_size=step_size,
        settle=within_budget,
        progress=progress,
        each=keep,
    )
    with torch.no_grad():
        image = edited(variables)
    moved = image - start
    notes: dict[str, object] = {
        "scalar": target.scalar,
        "score_before": curves["logit"][0][0],
        "score": [curves["logit"][-1][0]],
        "probability_before": curves["probability"][0][0],
        "probability": [curves["probability"][-1][0]],
        "change_rms": float(moved.square().mean().sqrt()),
        "change_largest": float(moved.abs().max()),
        "prior": prior,
        "clipping": "to [0, 1]",
        "reading": READINGS[prior],
    }
    return Visualized(images=image, curves=curves, path=torch.stack(path), notes=notes)


READINGS = {
    "raw": "Raw gradient steps make an adversarial example: the score moves by changes that people cannot see.",
    "smoothed": "The steps are smoothed, so that the score has to move by changes that people can see.",
    "low_pass": "The steps keep low frequencies only, so that the score has to move by changes that people can see.",
}
