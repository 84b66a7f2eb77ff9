"""Within participants: everybody sees every item once and every condition equally often, by a Latin square.

The items are dealt into as many lists as there are conditions; over the arms every list meets every condition equally
often. Where conditions are blocked, their order follows Williams 1949 (Australian Journal of Scientific Research A 2,
149-168): over the arms each condition stands at each place, and directly after each other one, equally often; an odd
number of conditions needs twice as many arms for that.
"""

import math
from collections.abc import Sequence

from . import Arm, DesignError, Presentation, shuffled

VERSION = 1
ORDERS = ("interleaved", "blocked")


def schedule(items: Sequence[str], conditions: Sequence[str], *, seed: int, order: str = "interleaved") -> list[Arm]:
    """Arms in which conditions alternate at random (``interleaved``) or come one after another (``blocked``)."""
    if order not in ORDERS:
        raise DesignError(f"order = “{order}” should be one of: {', '.join(ORDERS)}.")
    if len(conditions) < 2:
        raise DesignError("A Latin square needs at least two conditions; with one, use the design “between”.")
    if len(items) < len(conditions):
        raise DesignError(
            f"A Latin square of {len(conditions)} conditions needs at least as many items; there are {len(items)}."
        )
    count = len(conditions)
    dealt = shuffled(items, seed)
    lists = [dealt[start::count] for start in range(count)]
    rows = williams(count) if order == "blocked" else [list(range(count))] * count
    arms = []
    for number, row in enumerate(rows):
        presentations = tuple(
            Presentation(item, conditions[condition], block if order == "blocked" else 0)
            for block, condition in enumerate(row)
            for item in lists[(condition + number) % count]
        )
        arms.append(Arm(f"list {number + 1}", presentations))
    return arms


def williams(count: int) -> list[list[int]]:
    """Orders of ``count`` conditions: one a condition where that is even, two where it is odd."""
    first = [math.ceil(place / 2) if place % 2 else (count - place // 2) % count for place in range(count)]
    rows = [[(condition + shift) % count for condition in first] for shift in range(count)]
    return rows if count % 2 == 0 else rows + [row[::-1] for row in rows]
