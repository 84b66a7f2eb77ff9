"""S1: was activation maximisation new?"""

from collections.abc import Sequence

import numpy as np

from ..drawing import Series, lines
from ..results import Results
from ..section import Section
from ..wording import UNKNOWN, plain, ranged


def answer(alike: Sequence[float], rest: float | None) -> str:
    """Cosines of the penalty's and the ball's image at one distance; that of ∇S with x − x̄ at the penalty's end."""
    if not alike:
        return UNKNOWN
    value = sum(alike) / len(alike)
    condition = ""
    if rest is not None and value <= 0.9:
        condition = (
            f" Where the penalty ends, the ball’s condition for an optimum holds as well (cosine {plain(rest)})."
            if rest > 0.9
            else f" Where the penalty ends, the ball’s condition for an optimum does not hold yet "
            f"(cosine {plain(rest)})."
        )
    if value > 0.9:
        return (
            f"At the same distance from the mean image, the norm ball of Erhan et al. (2009) and the penalty of "
            f"Simonyan et al. (2013) draw the same image (cosine {plain(value)}): for this network the method was "
            "not new."
        )
    if value > 0.5:
        return (
            f"At the same distance from the mean image, ball and penalty draw related images (cosine {plain(value)}), "
            f"not the same one: in theory they are dual, but each ascent ends in a local optimum of its own.{condition}"
        )
    return (
        f"At the same distance from the mean image, ball and penalty draw different images (cosine {plain(value)}): "
        f"they are dual in theory, yet the ascents end in different local optima, so what differs is the search."
        f"{condition}"
    )


def training(curve: Sequence[Sequence[float]], steps: int) -> str:
    """Does the loss fall along both gradients? Points of (in the image, in the weights)."""
    (begin, _), ends = curve[0], curve[-1]
    numbers = f"from {plain(begin)} to {plain(ends[0])} and {plain(ends[1])} in {steps} steps"
    if max(ends) < 0.5 * begin:
        return (
            f"One loss falls along both of its gradients ({numbers}): changing the image draws, changing the weights "
            "trains."
        )
    return f"One loss does not fall along both of its gradients here ({numbers})."


def ask(found: Results) -> Section:
    section = Section(
        "S1",
        "Was it new?",
        "Erhan, Bengio, Courville and Vincent maximised units by gradient ascent in 2009. With the weights fixed and "
        "the image changed, that is visualization; with the image fixed and the weights changed, it is training. What "
        "does a penalty add to a norm ball?",
        how="Ball and penalty are dual: at the distance ‖x − x̄‖ that the penalty reached, both have the same optimum; "
        "both begin at the same noise on the ball, and neither ascent is clipped. The loss is −log p of the named "
        "class. Channels are Erhan’s own contribution: each with the images that excite it most.",
    )
    penalty, ball = found.arrays("penalty").get("images"), found.arrays("ball").get("images")
    alike: list[float] = []
    if penalty is not None and ball is not None:
        alike = [_cosine(one - found.mean, other - found.mean) for one, other in zip(penalty, ball, strict=True)]
    own = found.notes("own map").get("cosine")
    section.answer = answer(alike, own)
    section.count(ranged(alike, "cosine of the two images, as they differ from the mean", "starts"))
    name = found.label(found.plan.index)
    section.show(
        f"The {name}, by penalty and on the ball (stretched)",
        [
            found.made("free", "penalty, its own start (Simonyan 2013)", scale="stretch"),
            found.made("penalty", "penalty, the ball’s start", scale="stretch"),
            found.made("ball", "norm ball of that radius (Erhan 2009)", scale="stretch"),
        ],
        is_large=True,
    )
    _two_gradients(found, section)
    images = {image.name: image for image in found.plan.pool}
    for key in [name for name in found.plan.visualizations if name.startswith("unit ")]:
        channel = int(key.split()[1])
        rows = [row for row in found.table("unit_activation") if row["channel"] == channel and row["end"] == "most"]
        shown = [found.made(key, "made for it (stretched)", scale="stretch")]
        shown += [found.photo(images[row["image"]], f"excites it by {row['activation']:.1f}") for row in rows]
        section.show(f"Channel {channel} of {rows[0]['module'] if rows else 'the last convolution'}", shown)
    section.miss(*found.trouble("free", "penalty", "ball", "unit_activation", "two gradients"))
    return section


def _two_gradients(found: Results, section: Section) -> None:
    first = found.plan.images[0]
    toward = found.label(found.plan.edited_toward(first))
    section.show(
        f"One loss, −log p of “{toward}” on this image, and its two gradients",
        [
            found.photo(first),
            found.made("two gradients", "in the image: a step of visualization", place=0),
            found.made("two gradients", "in the filters of the first layer: a step of training", place=1),
        ],
        is_large=True,
    )
    curve = found.curves("two gradients").get("loss", [])
    if curve:
        steps = range(len(curve))
        section.more.append(training(curve, len(curve) - 1))
        section.draw(
            lines(
                [
                    Series("image changed, weights fixed", steps, [point[0] for point in curve]),
                    Series("weights changed, image fixed", steps, [point[1] for point in curve]),
                ],
                x="step of at most 1 % of what is changed",
                y="loss",
                title="The loss along both gradients",
                low=0,
            ),
            f"−log p of {toward}, lowered in two ways.",
        )


def _cosine(one: object, other: object) -> float:
    a, b = np.asarray(one, dtype=float).ravel(), np.asarray(other, dtype=float).ravel()
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-30))
