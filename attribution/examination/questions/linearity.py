"""S4: the saliency map and the linear model."""

from typing import Any

from ..drawing import Series, lines
from ..ordering import REDUCTIONS
from ..results import Results
from ..section import Section
from ..wording import UNKNOWN, Row, number

REDUCED = {"sum_abs": "sum of absolute values", "l2": "length (L2)", "signed": "with its sign, by colour"}


def answer(row: Row) -> str:
    """How far does the linear model hold? ``radius`` with its ends."""
    radius = row.get("radius")
    if radius is None:
        return UNKNOWN
    levels = 255 * radius
    where = f"up to noise of {radius:.4f} of the image’s range ({levels:.1f} grey levels of 255)"
    if levels < 2:
        return (
            f"The linear model tells 90 % of what the score does only {where}: less than two "
            "steps of an 8-bit image, so the map describes a neighbourhood nobody lives in."
        )
    if levels < 13:
        return f"The linear model tells 90 % of what the score does {where}: a small change."
    return f"The linear model tells 90 % of what the score does {where}: no small change, so it is a fair description."


def ask(found: Results) -> Section:
    section = Section(
        "S4",
        "The saliency map and the linear model",
        "S_c(I) ≈ wᵀI + b with w the derivative: a linear function “in the neighbourhood” of the image, says the "
        "paper, and not how large that is.",
        how="R² of the tangent plane under Gaussian noise of several sizes, not clipped; the radius is where R² falls "
        "below 0.9 (geometric mean over images). A map is one number a pixel: of the three colours the paper takes the "
        "largest absolute value.",
    )
    rows = [row for row in found.summaries("linearity") if row.get("deviation") and row.get("r2") is not None]
    radius = next((row for row in found.summaries("linearity") if "radius" in row), {})
    section.answer = answer(radius)
    section.count(number(radius, "radius", "grey levels of noise up to which R² is 0.9", 1, factor=255))
    if rows:
        bands = all(row["r2_low"] is not None for row in rows)
        section.draw(
            lines(
                [
                    Series(
                        "tangent plane",
                        [row["deviation"] for row in rows],
                        [row["r2"] for row in rows],
                        [row["r2_low"] for row in rows] if bands else (),
                        [row["r2_high"] for row in rows] if bands else (),
                    )
                ],
                x="standard deviation of the noise (1 is the whole range)",
                y="R² (cut off at −1)",
                title="Fidelity of the linear model by the size of the change",
                is_log=True,
                reference=0.9,
                low=-1,
                high=1,
            ),
            f"Mean over {rows[0]['images']} images with its 95 % interval; dashed: 0.9.",
        )
    for image in found.plan.few[:2]:
        shown = [found.map("gradient", image, "largest absolute value (the paper’s)")]
        for reduction in REDUCTIONS:
            how: dict[str, Any] = {"scale": "signed"} if reduction == "signed" else {}
            shown.append(found.map(f"gradient {reduction}", image, REDUCED[reduction], **how))
        section.show(found.name(image), [found.photo(image), *shown], is_large=True)
    section.miss(*found.trouble("linearity"))
    return section
