"""Numbers with their uncertainty in words; the uncertainty is always named."""

from collections.abc import Mapping, Sequence
from typing import Any

from attribution.diagnostics._intervals import FEWEST

from .drawing import Bar
from .section import Number

Row = Mapping[str, Any]
UNKNOWN = "This could not be measured here."


def plain(value: float, digits: int = 2) -> str:
    """A number with a real minus sign, and none before 0."""
    text = f"{value:.{digits}f}"
    return (text.removeprefix("-") if float(text) == 0 else text).replace("-", "−")


def named(row: Row, name: str) -> str:
    """What a number's limits are called, such as “95 % bootstrap over images”."""
    return str(row.get(f"{name}_interval") or row.get("interval") or "95 % interval")


def within(row: Row, name: str, digits: int = 2, *, is_nested: bool = False) -> str:
    """“0.41 (95 % bootstrap 0.30 to 0.52)”, in square brackets where nested; the number alone without an interval."""
    value, low, high = row.get(name), row.get(f"{name}_low"), row.get(f"{name}_high")
    if value is None:
        return "not measured"
    text = plain(value, digits)
    if low is not None and high is not None:
        ends = f"{named(row, name).split(' over ')[0]} {plain(low, digits)} to {plain(high, digits)}"
        text += f" [{ends}]" if is_nested else f" ({ends})"
    return text


def number(row: Row, name: str, what: str, digits: int = 2, *, factor: float = 1.0, unit: str = "") -> Number | None:
    """A row's number with its named interval; None where it was not measured."""
    value, low, high = (row.get(f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return None
    if low is None or high is None:
        # Where visualizations are counted, the row's images are those that the count was tried on.
        over = "visualization" if "visualizations" in row else "image"
        count = row.get(f"{name}_{over}s", row.get(f"{over}s", 1))
        many = f"{count} {over}{'' if count == 1 else 's'}"
        interval = f"the same on all {many}" if count >= FEWEST else f"of {many}: too few for an interval"
    else:
        interval = f"{named(row, name)}: {plain(factor * low, digits)} to {plain(factor * high, digits)}"
    return Number(f"{plain(factor * value, digits)}{unit}", what, interval)


def ranged(values: Sequence[float], what: str, over: str, digits: int = 2, *, unit: str = "") -> Number | None:
    """The mean of a few values with their range, such as “range over 6 restarts”; None where there are none."""
    if not values:
        return None
    ends = f"range over {len(values)} {over}: {plain(min(values), digits)} to {plain(max(values), digits)}"
    alone = f"of 1 {over.removesuffix('s')}: too few for a range"
    return Number(f"{plain(sum(values) / len(values), digits)}{unit}", what, ends if len(values) > 1 else alone)


def spread(name: str, values: Sequence[float]) -> Bar:
    """The mean of a few values as a point, their range as its line."""
    return Bar(name, sum(values) / len(values), min(values), max(values))


def mean(rows: Sequence[Row], column: str) -> float:
    """The mean of a column over the rows that have it; 0 where none has."""
    values = column_of(rows, column)
    return sum(values) / len(values) if values else 0.0


def column_of(rows: Sequence[Row], column: str) -> list[float]:
    return [float(row[column]) for row in rows if row.get(column) is not None]
