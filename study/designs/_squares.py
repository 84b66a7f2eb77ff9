"""Items dealt into lists and lists turned through conditions: what the designs within participants share."""

import math
from collections.abc import Mapping, Sequence

from . import Arm, DesignError, Presentation, Strata, shuffled

ORDERS = ("interleaved", "blocked")


def check_within(items: Sequence[str], conditions: Sequence[str], order: str, repeat_items: bool) -> None:
    """Refuse an order that is none, and fewer items than conditions that share them out."""
    if order not in ORDERS:
        raise DesignError(f"order = “{order}” should be one of: {', '.join(ORDERS)}.")
    if not items or not conditions:
        raise DesignError("A design needs at least one item and one condition.")
    if len(items) < len(conditions) and not repeat_items:
        raise DesignError(
            f"To share the items out, {len(conditions)} conditions need at least as many; there are {len(items)}. "
            "Have more items, or repeat_items = true, which shows everybody each item under every condition."
        )


def dealt(items: Sequence[str], count: int, seed: int, strata: Strata | None) -> list[list[str]]:
    """The items in ``count`` lists; their sizes, and their numbers of each stratum, differ by at most one."""
    order = shuffled(items, seed)
    kinds = {item: (strata or {}).get(item, "") for item in order}
    first: dict[str, int] = {}
    for place, item in enumerate(order):
        first.setdefault(kinds[item], place)
    # One kind after the other, each as it was shuffled: a run that is dealt round and round is dealt evenly.
    order.sort(key=lambda item: first[kinds[item]])
    return [order[start::count] for start in range(count)]


def turned(
    lists: Sequence[Sequence[str]], conditions: Sequence[str], order: str, repeat_items: bool
) -> list[tuple[Presentation, ...]]:
    """Rows of presentations: each holds all lists, one under each condition, and over the rows every list meets every
    condition equally often. With ``repeat_items`` each row holds all lists under each condition.

    ``blocked`` conditions come one after another, in the orders of ``williams``; ``interleaved`` ones share a block.
    """
    count = len(conditions)
    if order == "blocked":
        return in_orders(lists, conditions, williams(count), repeat_items)
    rows = in_orders(lists, conditions, [range(count)] * (1 if repeat_items else count), repeat_items)
    return [tuple(Presentation(one.item, one.condition) for one in row) for row in rows]


def in_orders(
    lists: Sequence[Sequence[str]], conditions: Sequence[str], orders: Sequence[Sequence[int]], repeat_items: bool
) -> list[tuple[Presentation, ...]]:
    """A row for each order of the conditions, one block a condition; from row to row the lists turn by one."""
    everything = [item for one in lists for item in one]
    return [
        tuple(
            Presentation(item, conditions[condition], block)
            for block, condition in enumerate(row)
            for item in (everything if repeat_items else lists[(condition + number) % len(conditions)])
        )
        for number, row in enumerate(orders)
    ]


def williams(count: int) -> list[list[int]]:
    """Orders of ``count`` conditions: one a condition where that is even, two where it is odd.

    Each condition stands at each place, and directly after each other one, equally often (Williams 1949, Australian
    Journal of Scientific Research A 2, 149-168).
    """
    first = [math.ceil(place / 2) if place % 2 else (count - place // 2) % count for place in range(count)]
    rows = [[(condition + shift) % count for condition in first] for shift in range(count)]
    return rows if count % 2 == 0 else rows + [row[::-1] for row in rows]


def grouped(
    items: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    strata: Strata | None,
    *,
    seed: int,
    order: str,
    repeat_items: bool,
) -> list[Arm]:
    """Groups of participants, each with its own conditions in a square; every group has equally many arms."""
    rows = {}
    for name, conditions in groups.items():
        check_within(items, conditions, order, repeat_items)
        rows[name] = turned(dealt(items, len(conditions), seed, strata), conditions, order, repeat_items)
    each = math.lcm(*(len(one) for one in rows.values()))
    return [Arm(_name(name, n, each), one[n % len(one)]) for name, one in rows.items() for n in range(each)]


def _name(group: str, number: int, count: int) -> str:
    parts = [group] if group else []
    if count > 1 or not group:
        parts.append(f"list {number + 1}")
    return ", ".join(parts)
