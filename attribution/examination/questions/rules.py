"""S12: deconvolution and back-propagation."""

from ..drawing import Series, lines
from ..results import TITLES, Results
from ..section import Section
from ..wording import UNKNOWN, Row, number, within

PAIRS = [("back-propagation", "deconvolution"), ("back-propagation", "guided"), ("deconvolution", "guided")]


def answer(row: Row) -> str:
    """The cosine of deconvolution’s and back-propagation’s maps at the image."""
    value = row.get("cosine")
    if value is None:
        return UNKNOWN
    numbers = f"cosine {within(row, 'cosine', is_nested=True)} at the image"
    if value > 0.95:
        return f"Deconvolution and back-propagation send nearly the same to this network’s images ({numbers})."
    if value > 0.5:
        return f"Deconvolution and back-propagation are similar, not equivalent ({numbers}): they part at each ReLU."
    return f"Deconvolution and back-propagation are different things here ({numbers}): they part at each ReLU."


def ask(found: Results) -> Section:
    section = Section(
        "S12",
        "Deconvolution and back-propagation: equivalent or similar?",
        "Reconstruction by a deconvolutional network, says the paper, “is either equivalent or similar to computing "
        "the gradient”. Which of the two, and how similar?",
        how="Three rules at a ReLU with input z and what arrives R: R·1[z>0], R·1[R>0], R·1[z>0]·1[R>0]. All begin at "
        "the class score; convolution, linear and pooling layers send back the same. The cosine of what each two "
        "send, layer by layer.",
    )
    series = []
    for one, other in PAIRS:
        rows = sorted(found.summaries("rule_agreement", one=one, other=other), key=lambda row: row["depth"])
        if rows:
            bands = all(row["cosine_low"] is not None for row in rows)
            series.append(
                Series(
                    f"{one}, {other}",
                    [row["depth"] for row in rows],
                    [row["cosine"] for row in rows],
                    [row["cosine_low"] for row in rows] if bands else (),
                    [row["cosine_high"] for row in rows] if bands else (),
                )
            )
    section.draw(
        lines(series, x="layers below the answer", y="cosine", title="Agreement of the ReLU rules by layer", high=1),
        "From the class score (left) down to the image (right); bands: 95 % intervals over images.",
    )
    at_image = found.summary("rule_agreement", one="back-propagation", other="deconvolution", layer="image")
    section.answer = answer(at_image)
    section.count(number(at_image, "cosine", "cosine of deconvolution’s map with the gradient, at the image"))
    for image in found.plan.few[:2]:
        shown = [found.map(method, image, TITLES[method]) for method in ("gradient", "deconvnet", "guided_backprop")]
        section.show(found.name(image), [found.photo(image), *shown], is_large=True)
    section.miss(*found.trouble("rule_agreement"), found.trouble_of_map("deconvnet"))
    return section
