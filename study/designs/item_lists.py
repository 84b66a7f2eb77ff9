"""Item lists: everybody sees some of the items; each item gets equally many responses under each condition.

A resolvable incomplete block design (Patterson & Williams 1976, Biometrika 63, 83-92): the items are dealt into lists
short enough for one participant, as often as ``responses_each`` says, each time anew and so that two items that stood
in one list before seldom meet again. Within a list the conditions follow a Latin square.
"""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from . import Arm, DesignError, Presentation, Strata
from ._squares import check_within, dealt, turned

VERSION = 1
DEALS = 20  # tried for each further dealing, of which the one that repeats the fewest pairs is taken


def schedule(
    items: Sequence[str],
    conditions: Sequence[str],
    strata: Strata | None = None,
    *,
    seed: int,
    items_each: int = 10,
    responses_each: int = 1,
    one_condition: bool = False,
    order: str = "interleaved",
    repeat_items: bool = False,
) -> list[Arm]:
    """Arms of at most ``items_each`` items; ``responses_each`` of them hold each item under each condition.

    So each item gets at least that many responses under each condition once every arm has one participant, and that
    many times the quota in the end. With ``one_condition`` all that a participant sees is under the same condition.
    """
    check_within(items, conditions, order, repeat_items or one_condition)
    if items_each < 1 or responses_each < 1:
        raise DesignError(f"items_each = {items_each} and responses_each = {responses_each} should be at least 1.")
    count = -(-len(items) // items_each)
    parts = 1 if one_condition else len(conditions)
    if not repeat_items and len(items) // count < parts:
        raise DesignError(
            f"items_each = {items_each} makes lists of {len(items) // count} items, too few for the "
            f"{parts} conditions that share them out; raise it, or set one_condition = true."
        )
    if one_condition and repeat_items:
        raise DesignError("one_condition and repeat_items exclude each other; set one of them.")
    arms: list[Arm] = []
    for lists in _dealings(items, count, parts, responses_each, seed, strata):
        for parted in lists:
            if one_condition:
                rows = [tuple(Presentation(item, name) for item in parted[0]) for name in conditions]
            else:
                rows = turned(parted, conditions, order, repeat_items)
            arms += [Arm(f"list {len(arms) + number}", row) for number, row in enumerate(rows, start=1)]
    return arms


def _dealings(
    items: Sequence[str], count: int, parts: int, times: int, seed: int, strata: Strata | None
) -> list[list[list[list[str]]]]:
    """``times`` dealings of the items into ``count`` lists, each list in ``parts`` that share out the conditions."""
    rng = random.Random(seed)
    met: Counter[tuple[str, str]] = Counter()
    made = []
    for _ in range(times):
        tries = [_dealing(items, count, parts, rng.getrandbits(62), strata) for _ in range(DEALS if met else 1)]
        best = min(tries, key=lambda lists: sum(met[pair] for pair in _pairs(lists)))
        if count > 1:
            met.update(_pairs(best))
        made.append(best)
    return made


def _dealing(items: Sequence[str], count: int, parts: int, seed: int, strata: Strata | None) -> list[list[list[str]]]:
    # Dealt into all the parts at once and every count-th of them to one list: both the lists and their parts are even.
    dealt_parts = dealt(items, count * parts, seed, strata)
    return [dealt_parts[number::count] for number in range(count)]


def _pairs(lists: Sequence[Sequence[Sequence[str]]]) -> list[tuple[str, str]]:
    whole = [sorted(item for part in parted for item in part) for parted in lists]
    return [pair for one in whole for pair in combinations(one, 2)]
