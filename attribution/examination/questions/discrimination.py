"""S16: what sets the class apart?"""

from ..drawing import Bar, bars
from ..results import Results
from ..section import Section
from ..wording import UNKNOWN, Row, number, plain, within


def answer(images: Row, score: Row, contrast: Row) -> str:
    """The cosine of g_c and g_d, and the lead over the closest class in the two class models."""
    value = images.get("cosine")
    if value is None:
        return UNKNOWN
    shared = (
        f"The class’s gradient and its closest rival’s share their direction (cosine "
        f"{within(images, 'cosine', is_nested=True)}), so a map of the class alone speaks for both"
        if value > 0.3
        else f"The class’s gradient has little in common with its closest rival’s (cosine "
        f"{within(images, 'cosine', is_nested=True)})"
    )
    gap = contrast["score"] - contrast["score_against"], score["score"] - score["score_against"]
    drawn = (
        f"subtracting the rival widens the visualization’s lead from {plain(gap[1], 1)} to {plain(gap[0], 1)}"
        if gap[0] - gap[1] > 0.1 * abs(gap[1])
        else f"subtracting the rival does not widen the visualization’s lead ({plain(gap[1], 1)} before, "
        f"{plain(gap[0], 1)} after)"
    )
    return f"{shared}; {drawn}."


def ask(found: Results) -> Section:
    section = Section(
        "S16",
        "What sets the class apart?",
        "A discriminative network was trained to tell classes apart, not to draw them. What changes when the "
        "closest class is subtracted?",
        how="The closest class d is the one with the highest mean score besides the class’s own. Maps: the "
        "gradient of S_c beside that of S_c − S_d. Leads are means of two restarts.",
    )
    rows = {row["ascended"]: row for row in found.table("discrimination") if row["kind"] == "visualization"}
    summary = found.summary("discrimination", kind="image")
    rival = "its rival"
    if rows and summary:
        section.answer = answer(summary, rows["score"], rows["difference"])
        section.count(
            number(summary, "cosine", "cosine of the class’s gradient with its closest rival’s"),
            number(summary, "left", "of the gradient’s length is left without the rival", 0, factor=100, unit=" %"),
        )
        rival = str(rows["score"]["against_label"]).replace("_", " ")
        section.draw(
            bars(
                [
                    Bar(f"climbed: {title}", row["score"] - row["score_against"])
                    for title, row in (
                        ("the score S_c", rows["score"]),
                        ("the margin", rows["margin"]),
                        ("the difference S_c − S_d", rows["difference"]),
                    )
                ],
                x=f"S_c − S_d in the visualization (d: {rival})",
                title="Lead over the closest class",
            ),
            "What is climbed, and how far the class then leads its closest rival.",
        )
    section.show(
        f"{found.label(found.plan.index).capitalize()} alone, by its margin, and against {rival}",
        [found.made("logit", "S_c"), found.made("margin", "margin"), found.made("contrast", "S_c − S_d")],
        is_large=True,
    )
    for image in found.plan.few[:2]:
        section.show(
            found.name(image),
            [
                found.photo(image),
                found.map("gradient", image, "gradient of S_c"),
                found.map("contrast", image, "of S_c − S_d"),
            ],
            is_large=True,
        )
    section.miss(*found.trouble("discrimination", "contrast"), found.trouble_of_map("contrast"))
    return section
