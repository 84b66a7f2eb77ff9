"""S7: the saliency map of the visualization."""

from collections.abc import Sequence

from ..drawing import Series, bars, lines
from ..results import Results
from ..section import Section
from ..wording import column_of, mean, plain, ranged, spread

TITLES = {"penalised": "class model", "free": "no penalty", "image": "real images"}


def answer(cosine: float, smoothed: float, ratio: float) -> str:
    """Cosines of the map with the class model, at the point and smoothed; |∇S| there over that of real images."""
    size = f"its gradient is {plain(ratio, 1)} times as long as on real images"
    if max(cosine, smoothed) > 0.9:
        return (
            f"The saliency map of the class model is the class model itself (cosine {plain(cosine)}, "
            f"{plain(smoothed)} once smoothed) and does not vanish: {size}."
        )
    return (
        f"The saliency map of the class model resembles it only in part (cosine {plain(cosine)}, {plain(smoothed)} "
        f"once smoothed), so the ascent had not come to rest; {size}."
    )


def along(norms: Sequence[float]) -> str:
    """Does |∇S| vanish on the way up, where nothing pulls back? Its values, step by step."""
    numbers = f"from {plain(norms[0])} to {plain(norms[-1])}"
    if norms[-1] < 0.1 * norms[0]:
        return f"Without a penalty the score’s gradient fades along the ascent: its length goes {numbers}."
    return f"Without a penalty the score’s gradient does not vanish along the ascent: its length goes {numbers}."


def ask(found: Results) -> Section:
    section = Section(
        "S7",
        "The saliency map of the visualization",
        "What is the saliency map of the visualized image? Does the gradient vanish there?",
        how="At rest the penalised ascent has ∇S_c = 2λ(x − x̄), so the map of the visualization is the visualization. "
        "A network with corners (ReLU, max-pool) never quite rests; smoothed, it nearly does. Neither ascent is "
        "clipped; maps are drawn around the mean colour, at the length of x − x̄. Concentration is Gini’s coefficient "
        "of |∇S|: 0 all pixels alike, 1 a single pixel.",
    )
    section.show(
        f"The {found.label(found.plan.index)}, and what the network says of it (stretched)",
        [
            found.made("own map", "the class model", place=0, scale="stretch"),
            found.made("own map", "its saliency map, with signs", place=1, scale="stretch"),
            found.made("own map", "the same, smoothed", place=2, scale="stretch"),
        ],
        is_large=True,
    )
    rows = found.table("saliency_of_visualization")
    kinds = {kind: [row for row in rows if row["kind"] == kind] for kind in TITLES}
    if kinds["penalised"]:
        here = kinds["penalised"]
        real = mean(kinds["image"], "gradient_norm") or float("nan")
        section.answer = answer(mean(here, "cosine"), mean(here, "cosine_smoothed"), mean(here, "gradient_norm") / real)
        section.count(ranged(column_of(here, "cosine"), "cosine of class model and its saliency map", "restarts"))
        for column, x, caption in (
            ("gini", "Gini coefficient of |∇S|", "How concentrated the map is, on class models and on real images"),
            ("gradient_norm", "‖∇S‖", "How long the gradient is"),
        ):
            section.draw(
                bars(
                    [spread(TITLES[kind], column_of(some, column)) for kind, some in kinds.items() if some],
                    x=f"{x} (line: range)",
                    title=caption,
                    high=1 if column == "gini" else None,
                ),
                f"{caption}.",
            )
    _along(found, section)
    section.miss(*found.trouble("saliency_of_visualization", "own map"))
    return section


def _along(found: Results, section: Section) -> None:
    free, held = (found.curve(name, "gradient_norm") for name in ("none trained 0", "own map"))
    if not free:
        return
    section.more.append(along(free))
    shown = [("without a penalty: ‖∇S‖", free), ("with it: ‖∇S − 2λ(x − x̄)‖", held)]
    section.draw(
        lines(
            [Series(title, range(len(norms)), norms) for title, norms in shown],
            x="step",
            y="length of the gradient",
            title="The gradient along the ascent",
            low=0,
        ),
        "The gradient along the ascent; with a penalty it is 0 where the two terms balance.",
    )
