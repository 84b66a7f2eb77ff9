"""The curves of an ascent as small drawings: numbers in, points of SVG polylines out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 240.0, 90.0, 4.0


@dataclass(frozen=True)
class Drawing:
    """One quantity over the steps: a polyline for each restart, and what its axes span."""

    name: str
    lines: tuple[str, ...]
    low: str
    high: str
    steps: int


def drawings(curves: Mapping[str, Sequence[Sequence[float]]]) -> list[Drawing]:
    """Every curve of a visualization, in its stored order; values that are not finite are left out."""
    return [drawing for name, values in curves.items() if (drawing := _draw(name, values))]


def _draw(name: str, values: Sequence[Sequence[float]]) -> Drawing | None:
    finite = [value for row in values for value in row if value is not None and math.isfinite(value)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    span, steps = (high - low) or 1.0, len(values)

    def point(step: int, value: float) -> str:
        x = EDGE + (WIDTH - 2 * EDGE) * step / max(steps - 1, 1)
        return f"{x:.1f},{HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - low) / span:.1f}"

    restarts = zip(*values, strict=True)
    lines = tuple(
        " ".join(point(step, value) for step, value in enumerate(line) if value is not None and math.isfinite(value))
        for line in restarts
    )
    return Drawing(name.replace("_", " "), lines, f"{low:.4g}", f"{high:.4g}", steps)
