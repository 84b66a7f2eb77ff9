"""S3: what if the softmax is maximised?"""

from ..drawing import Series, lines
from ..ordering import SCALARS
from ..results import Results
from ..section import Section
from ..wording import Row, plain, ranged

TITLES = {"logit": "score S_c", "log_probability": "log p_c", "margin": "margin"}


def answer(score: Row, chance: Row, start: float) -> str:
    """What differs when log p is maximised? ``logit`` and ``others`` at the end of each ascent from one start."""
    first = (
        f"Maximising the softmax stops early: its class score ends at {plain(chance['logit'], 1)}, that of the score’s "
        f"ascent at {plain(score['logit'], 1)}"
        if chance["logit"] - start < 0.9 * (score["logit"] - start)
        else f"Maximising the softmax climbs as far as maximising the score ({plain(chance['logit'], 1)} against "
        f"{plain(score['logit'], 1)})"
    )
    second = (
        "and it does so in part by lowering the other classes’ scores further."
        if chance["others"] < score["others"]
        else "and it does not lower the other classes’ scores any further than the score’s ascent does."
    )
    return f"{first}, {second}"


def matched(score: Row, chance: Row) -> str:
    """The same at one distance from the mean image, where stopping early cannot be what differs."""
    numbers = (
        f"S_c {plain(chance['logit'], 1)} against {plain(score['logit'], 1)}, the others’ sum "
        f"{plain(chance['others'], 1)} against {plain(score['others'], 1)}"
    )
    if chance["others"] < score["others"]:
        return f"At the same distance the softmax lowers the other classes more than the score does ({numbers})."
    return f"At the same distance, too, the softmax does not lower the other classes more ({numbers})."


def ask(found: Results) -> Section:
    section = Section(
        "S3",
        "What if the softmax is maximised?",
        "The paper maximises the unnormalised score since “the maximisation of the class posterior can be achieved by "
        "minimising the scores of other classes”, and shows no comparison.",
        how="The same start, steps and seeds; only the scalar differs. Then both on the norm ball that the score’s "
        "ascent reached without clipping, so that neither can stop early. The sum of the other scores tells whether "
        "they are pushed down.",
    )
    section.show(
        f"{found.label(found.plan.index).capitalize()} by the scalar that is climbed",
        [
            *(found.made(name, TITLES[name]) for name in SCALARS),
            found.made("ball", "S_c at one distance (stretched)", scale="stretch"),
            found.made("softmax on the ball", "log p_c at that distance (stretched)", scale="stretch"),
        ],
        is_large=True,
    )
    there = [name for name in SCALARS if found.curve(name, "logit")]
    for column, y, caption in (
        ("logit", "S_c", "The class’s score along each ascent."),
        ("others", "Σ of the other S_k", "The sum of all other classes’ scores along each ascent."),
    ):
        series = []
        for name in there:
            values = found.curve(name, column)
            series.append(Series(TITLES[name], range(len(values)), values))
        section.draw(lines(series, x="step", y=y, title=caption), caption)
    if {"logit", "log_probability"} <= set(there):
        section.answer = answer(found.end("logit"), found.end("log_probability"), found.curve("logit", "logit")[0])
        for name in ("logit", "log_probability"):
            ends = found.curves(name)["logit"][-1]
            section.count(ranged(ends, f"S_c at the end of climbing {TITLES[name]}", "restarts", 1))
    if found.end("ball") and found.end("softmax on the ball"):
        section.more.append(matched(found.end("ball"), found.end("softmax on the ball")))
    section.miss(*found.trouble(*SCALARS, "softmax on the ball"))
    return section
