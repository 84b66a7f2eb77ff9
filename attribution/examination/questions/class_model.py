"""S2: the class model."""

from ..drawing import Series, lines
from ..ordering import PENALTY
from ..results import Results
from ..section import Section
from ..wording import plain, ranged


def answer(before: float, after: float, real: float | None) -> str:
    """How far did the ascent of the score come, beside real images of the class?"""
    rise = f"The score rises from {plain(before, 1)} at the mean image to {plain(after, 1)}"
    if real is None:
        return f"{rise}."
    if after > real:
        return f"{rise}, above the {plain(real, 1)} that real images of the class reach on average."
    return f"{rise} and stays below the {plain(real, 1)} that real images of the class reach on average."


def ask(found: Results) -> Section:
    section = Section(
        "S2",
        "The class model",
        "Which image does the network score highest? argmax S_c(x) − λ‖x − x̄‖², with the score before the softmax.",
        how="Normalised gradient ascent from near the mean image, clipped to [0, 1] after every step; "
        f"λ = {PENALTY:g} in squared units of the image’s own range; each picture is one restart, as it is. Below, the "
        "same classes through a prior that prefers low frequencies: what makes them readable is looked into at S14.",
    )
    names = [name for name in found.plan.visualizations if name.startswith("class ")]
    for start, title in (("class", "Class models as in the paper"), ("seen", "The same classes with a Fourier prior")):
        keys = [f"{start} {name.split()[1]}" for name in names]
        shown = [found.made(key, found.label(int(key.split()[1]))) for key in keys]
        section.show(title, shown, is_large=True)
    own = found.curve("restarts", "logit")
    real = [row["logit"] for row in found.table("score_gap") if row["kind"] == "image" and row["is_of_class"]]
    if own:
        section.answer = answer(own[0], own[-1], sum(real) / len(real) if real else None)
        curve = found.curves("restarts")["logit"]
        section.count(ranged(curve[-1], f"score S_c of {found.label(found.plan.index)} at the end", "restarts", 1))
        section.draw(
            lines(
                [
                    Series("score S_c", range(len(own)), own, [min(one) for one in curve], [max(one) for one in curve]),
                    Series("distance ‖x − x̄‖", range(len(own)), found.curve("restarts", "distance")),
                ],
                x="step",
                y="score, distance",
                title="Score and distance along the ascent",
            ),
            f"The ascent for {found.label(found.plan.index)}: mean of {len(curve[0])} restarts, band: their range.",
        )
    section.miss(*found.trouble("restarts", *names))
    return section
