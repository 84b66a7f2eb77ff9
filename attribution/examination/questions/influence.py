"""S5: what is influence?"""

from collections.abc import Mapping

from ..drawing import matrix
from ..ordering import INFLUENCES
from ..results import TITLES, Results
from ..section import Section
from ..wording import UNKNOWN, Row, number, plain

DISTRIBUTIONS = {
    "gradient": ("the rise of S_c by an infinitely small change of a pixel", "none: one point"),
    "gradient_input": ("the derivative times the pixel’s value", "none: one point, and black"),
    "occlusion": ("the fall of S_c when a square is covered", "the image, and with a square of the mean colour"),
    "sobol_total": ("the share of variance that is gone with a cell", "masks of the image, uniform in each cell"),
    "prediction_difference": ("the fall of the log odds when a square is drawn anew", "squares as their surroundings"),
    "smoothgrad_squared": ("s²E g², no less than the share of variance", "Gaussian noise around the image"),
    "gaussian_variance": ("s²g² + ½s⁴ΣH², no more than that share", "Gaussian noise around the image"),
}


def answer(rows: Mapping[tuple[str, str], Row]) -> str:
    """Do definitions of influence agree? Rows with ``correlation``, by pair of definitions."""
    known = {pair: row["correlation"] for pair, row in rows.items() if row.get("correlation") is not None}
    if not known:
        return UNKNOWN
    worst, best = min(known, key=lambda pair: known[pair]), max(known, key=lambda pair: known[pair])
    middle = sum(known.values()) / len(known)
    verdict = (
        "for this network it matters little which one is meant"
        if known[worst] > 0.75
        else "they point to the same places, and still are not one thing"
        if known[worst] > 0.5
        else "“influence” means nothing until one of them is named"
    )
    return (
        f"Definitions of influence agree with each other at {plain(middle)} on average, from {plain(known[worst])} "
        f"({' and '.join(worst)}) to {plain(known[best])} ({' and '.join(best)}): {verdict}."
    )


def ask(found: Results) -> Section:
    section = Section(
        "S5",
        "What is influence?",
        "The map is said to rank pixels by their “influence”. A derivative, a finite change and a share of variance "
        "are different things, and each names another distribution of what might have been.",
        how="Spearman’s correlation between absolute values, averaged over an 8 × 8 grid so that a coarse method is "
        "not blamed for its grid; means over images. VarGrad is curvature, not influence: it leaves the linear part "
        "out.",
    )
    rows = {(TITLES[str(row["one"])], TITLES[str(row["other"])]): row for row in found.summaries("influence_agreement")}
    section.answer = answer(rows)
    if rows:
        worst = min(rows, key=lambda pair: rows[pair]["correlation"])
        section.count(number(rows[worst], "correlation", f"lowest rank correlation: {' and '.join(worst)}"))
        names = [TITLES[name] for name in INFLUENCES if any(TITLES[name] in pair for pair in rows)]
        values = {(names.index(one), names.index(other)): row["correlation"] for (one, other), row in rows.items()}
        values |= {(place, place): 1.0 for place in range(len(names))}
        section.draw(
            matrix(names, values, title="Agreement of definitions of influence"),
            f"Agreement over {next(iter(rows.values()))['images']} images; columns are numbered as the rows.",
        )
        section.tell(
            "What each of them means",
            ("definition", "what it says of a pixel", "over which distribution"),
            [(TITLES[name], *DISTRIBUTIONS[name]) for name in INFLUENCES],
        )
    for image in found.plan.few[:2]:
        shown = [found.map(method, image, TITLES[method], is_size=True) for method in (*INFLUENCES, "vargrad")]
        section.show(found.name(image), [found.photo(image), *shown])
    section.miss(*found.trouble("influence_agreement"), *(found.trouble_of_map(method) for method in INFLUENCES))
    return section
