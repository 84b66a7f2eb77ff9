"""Within participants, blocked: the conditions one after another, in every order that there is.

Complete counterbalancing (Kirk 2013, Experimental Design): each order of the conditions has its arms, so that effects
of what came two or three blocks before cancel out too. Each order is there with every turn of the items' lists: every
item is met under every condition at every place equally often.
"""

from collections.abc import Sequence
from itertools import permutations

from . import Arm, DesignError, Strata
from ._squares import check_within, dealt, in_orders

VERSION = 1
MOST_CONDITIONS = 5  # 120 orders


def schedule(
    items: Sequence[str],
    conditions: Sequence[str],
    strata: Strata | None = None,
    *,
    seed: int,
    repeat_items: bool = False,
) -> list[Arm]:
    """For n conditions n! · n arms, or n! where everybody sees each item under every condition (``repeat_items``)."""
    if not 2 <= len(conditions) <= MOST_CONDITIONS:
        raise DesignError(
            f"All orders of {len(conditions)} conditions: there should be from 2 to {MOST_CONDITIONS}. More are "
            'balanced by the design “latin_square” with order = "blocked".'
        )
    check_within(items, conditions, "blocked", repeat_items)
    count = len(conditions)
    turns = 1 if repeat_items else count
    orders = [order for order in permutations(range(count)) for _ in range(turns)]
    rows = in_orders(dealt(items, count, seed, strata), conditions, orders, repeat_items)
    return [
        Arm(f"order {number // turns + 1}" + (f", list {number % turns + 1}" if turns > 1 else ""), row)
        for number, row in enumerate(rows)
    ]
