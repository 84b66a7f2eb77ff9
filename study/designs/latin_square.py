"""Within participants: everybody sees every item once and every condition equally often, by a Latin square.

The items are dealt into as many lists as there are conditions; over the arms every list meets every condition equally
often. Where conditions are blocked, their order follows Williams 1949 (Australian Journal of Scientific Research A 2,
149-168): over the arms each condition stands at each place, and directly after each other one, equally often; an odd
number of conditions needs twice as many arms for that.
"""

from collections.abc import Sequence

from . import Arm, DesignError, Strata
from ._squares import check_within, dealt, turned

VERSION = 2


def schedule(
    items: Sequence[str],
    conditions: Sequence[str],
    strata: Strata | None = None,
    *,
    seed: int,
    order: str = "interleaved",
    repeat_items: bool = False,
) -> list[Arm]:
    """Arms in which conditions alternate at random (``interleaved``) or come one after another (``blocked``)."""
    if len(conditions) < 2:
        raise DesignError("A Latin square needs at least two conditions; with one, use the design “between”.")
    check_within(items, conditions, order, repeat_items)
    rows = turned(dealt(items, len(conditions), seed, strata), conditions, order, repeat_items)
    return [Arm(f"list {number}", row) for number, row in enumerate(rows, start=1)]
