"""Axes that span what is drawn on them."""

import math
from collections.abc import Callable, Iterable

from study import figures


def spanning(values: Iterable[float | None], label: str, show: Callable[[float], str] | None = None) -> figures.Axis:
    """An axis from below the smallest to above the largest value, with ticks at round steps."""
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    span = (high - low) or 1.0
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * factor for factor in (1, 2, 5, 10) if span / (size * factor) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    if first == last:
        first, last = first - 1, last + 1
    written = show or (lambda value: f"{value:.10g}".replace("-", "−"))
    ticks = tuple((k * step, written(round(k * step, 10))) for k in range(first, last + 1))
    return figures.Axis(first * step, last * step, ticks, label)


def differences(rows: list[figures.Row], label: str, show: Callable[[float], str] | None = None) -> figures.Axis:
    """An axis for differences: it holds 0 and every interval."""
    return spanning([0.0, *(value for row in rows for value in (row.estimate, row.low, row.high))], label, show)
