"""Are the maps faithful at all?"""

from collections.abc import Mapping

from ..drawing import Bar, Series, bars, lines
from ..ordering import JUDGED
from ..results import TITLES, Results
from ..section import Section
from ..wording import UNKNOWN, Row, number, plain, within


def answer(rows: Mapping[str, Row], control: str = TITLES["random_map"]) -> str:
    """Are the maps more faithful than noise? ``deletion_probability`` (lower is better) by method."""
    beside = rows.get(control)
    others = {
        name: row for name, row in rows.items() if name != control and row.get("deletion_probability") is not None
    }
    if beside is None or not others:
        return UNKNOWN
    best = min(others, key=lambda name: others[name]["deletion_probability"])
    high, low = others[best].get("deletion_probability_high"), beside.get("deletion_probability_low")
    numbers = (
        f"mean p while deleting: {within(others[best], 'deletion_probability', is_nested=True)} with {best}, "
        f"{within(beside, 'deletion_probability', is_nested=True)} with {control}"
    )
    if high is not None and low is not None and high < low:
        return f"The class hangs on what the maps mark ({numbers})."
    return f"Deleting what the maps mark is not surely worse for the class than deleting at random ({numbers})."


def randomisation(rows: Mapping[str, Row]) -> str:
    """How alike maps stay when every layer is shuffled: ``ssim`` by method."""
    if not rows:
        return UNKNOWN
    stuck = [name for name, row in rows.items() if (row.get("ssim") or 0) > 0.5]
    numbers = ", ".join(f"{name} {plain(row['ssim'])}" for name, row in rows.items())
    if stuck:
        return (
            f"{' and '.join(stuck).capitalize()} would look much the same had nothing been learned (SSIM with all "
            f"shuffled: {numbers})."
        )
    return f"Every map changes when the network forgets what it learned (SSIM with all layers shuffled: {numbers})."


def ask(found: Results) -> Section:
    section = Section(
        "+",
        "Are the maps faithful?",
        "Beside every human score stands what a machine can check: does the answer hang on the marked pixels, "
        "and on what the network has learned?",
        how="Deletion covers pixels with a blurred copy, the most important first: p is averaged along the way, lower "
        "is better; insertion goes the other way, higher is better. The cascade shuffles the layers’ weights from the "
        "answer down and compares maps with the first (SSIM).",
    )
    rows = {TITLES[method]: row for method in JUDGED if (row := found.summary("faithfulness", method=method))}
    section.answer = answer(rows)
    for method in ("occlusion", "random_map"):
        row = rows.get(TITLES[method], {})
        section.count(number(row, "deletion_probability", f"mean p while deleting by {TITLES[method]}"))
    for name, x, caption in (
        ("deletion_probability", "mean p while pixels are deleted (lower is better)", "Deletion"),
        ("insertion_probability", "mean p while pixels are put in (higher is better)", "Insertion"),
    ):
        section.draw(
            bars(
                [
                    Bar(title, row[name], row.get(f"{name}_low"), row.get(f"{name}_high"))
                    for title, row in rows.items()
                    if row.get(name) is not None
                ],
                x=x,
                title=caption,
                high=1,
            ),
            f"{caption} over {next(iter(rows.values()), {}).get('images', 0)} images with 95 % intervals, "
            "beside a map of noise.",
        )
    for image in found.plan.few[:2]:
        shown = [found.map(method, image, TITLES[method], is_size=True) for method in JUDGED]
        section.show(found.name(image), [found.photo(image), *shown], is_large=True)
    _cascade(found, section)
    section.miss(*found.trouble("faithfulness", "randomisation gradient", "randomisation guided_backprop"))
    return section


def _cascade(found: Results, section: Section) -> None:
    series, last = [], {}
    for method in ("gradient", "guided_backprop"):
        cascade = sorted(found.summaries(f"randomisation {method}", test="cascade"), key=lambda row: row["layers"])
        if cascade:
            layers, alike = [row["layers"] for row in cascade], [row["ssim"] for row in cascade]
            series.append(Series(TITLES[method], [0, *layers], [1, *alike]))
            last[TITLES[method]] = cascade[-1]
    section.draw(
        lines(
            series,
            x="layers shuffled, from the answer down",
            y="SSIM with the first map",
            title="Cascade",
            low=0,
            high=1,
        ),
        "How alike the map stays while the network forgets.",
    )
    if last:
        section.more.append(randomisation(last))
