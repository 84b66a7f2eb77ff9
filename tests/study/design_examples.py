"""For each design how many conditions it is given in tests, under which names and with which parameters.

A design that is not named here is used with its own defaults.
"""

from typing import Any


def fitting(design: str, count: int) -> tuple[list[str], dict[str, Any]]:
    """Names of ``count`` conditions, and parameters with which ``design`` takes them."""
    conditions = [f"c{number}" for number in range(count)]
    halves = count % 2 == 0 and count > 2
    if design == "factorial" and halves:
        crossed = [f"{first}.{second}" for first in "ab" for second in range(count // 2)]
        return crossed, {"factors": ["letter", "digit"], "between": ["letter"]}
    if design == "factorial":
        return conditions, {"factors": ["only"]}
    if design == "mixed":
        size = count // 2 if halves else 1
        return conditions, {"groups": [conditions[start : start + size] for start in range(0, count, size)]}
    if design == "item_lists":
        return conditions, {"items_each": 10, "responses_each": 2}
    return conditions, {}
