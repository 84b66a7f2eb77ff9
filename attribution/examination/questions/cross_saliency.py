"""S8: cross saliency."""

from ..drawing import matrix
from ..plan import MOST_CLASSES
from ..results import Results
from ..section import Section
from ..wording import UNKNOWN, Row, number, plain, within


def answer(trained: Row, shuffled: Row | None) -> str:
    """Mean rank correlation of different classes’ maps, beside that of a network with shuffled weights."""
    value = trained.get("correlation")
    if value is None:
        return UNKNOWN
    first = f"On one image the maps of different classes correlate at {within(trained, 'correlation')}"
    beside = shuffled.get("correlation") if shuffled else None
    verdict = (
        "a map mostly shows where something is, not which class it speaks for"
        if value > 0.6
        else "a map depends on the class it is asked about"
    )
    if beside is None:
        return f"{first}: {verdict}."
    compared = "less than" if value < beside - 0.05 else "more than" if value > beside + 0.05 else "much as"
    return f"{first}, {compared} with shuffled weights ({plain(beside)}): {verdict}."


def ask(found: Results) -> Section:
    section = Section(
        "S8",
        "Cross saliency",
        "What does the map of one class show on the image of another? Not one such map is in the paper.",
        how="All classes’ maps from one forward pass; rank correlations of the absolute values, averaged over "
        "images. The network with shuffled weights tells what such a correlation is worth.",
    )
    kinds = {
        weights: found.summary("cross_saliency", weights=weights, pairs="different classes")
        for weights in ("trained", "shuffled")
    }
    section.answer = answer(kinds["trained"], kinds["shuffled"] or None)
    section.count(
        number(kinds["trained"], "correlation", "rank correlation of two classes’ maps of one image"),
        number(kinds["shuffled"], "correlation", "the same with shuffled weights"),
    )
    for weights in ("trained", "shuffled"):
        rows = [row for row in found.summaries("cross_saliency", weights=weights) if "one" in row]
        order = list(dict.fromkeys(row["one"] for row in rows))
        if rows:
            section.draw(
                matrix(
                    [found.label(index) for index in order],
                    {(order.index(row["one"]), order.index(row["other"])): row["correlation"] for row in rows},
                    title=f"Rank correlation of class maps, {weights} weights",
                ),
                f"{weights.capitalize()} weights: rank correlation of two classes’ maps; columns as the rows.",
            )
    signed = kinds["trained"].get("signed")
    if signed is not None:
        section.more.append(
            f"With their signs kept, the same gradients correlate at {within(kinds['trained'], 'signed')}: "
            + ("classes differ in sign more than in place." if signed < 0.5 else "even the signs are alike.")
        )
    image = found.plan.images[0]
    classes = found.plan.classes[:MOST_CLASSES]
    section.show(
        f"{found.name(image)}, asked about each class",
        [
            found.photo(image),
            *(found.map("gradient", image, found.label(index), index=index) for index in classes),
        ],
    )
    section.miss(*found.trouble("cross_saliency"))
    return section
