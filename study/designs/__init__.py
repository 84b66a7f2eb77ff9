"""Designs: who sees what. ``schedule(items, conditions, strata=None, *, seed, ...) -> arms``: pure and replayable.

``items`` and ``conditions`` are names; an arm is a name and its presentations, grouped in blocks. Within a block the
order is drawn anew for each participant (enrolment stores that seed), blocks keep their order. ``strata`` tells which
kind an item is (does the network get it right?): wherever items are dealt out, each kind is dealt out evenly. Nobody
sees an item twice unless the design has a parameter ``repeat_items`` and it is true: ``shown_twice`` finds who would.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

VERB = "schedule"

T = TypeVar("T")
Strata = Mapping[str, str]  # item -> its kind; those that it leaves out are one more kind


class DesignError(ValueError):
    """The items and conditions do not fit the design; the message says what would."""


@dataclass(frozen=True)
class Presentation:
    """One item shown under one condition, in a block (0, 1, ...) of its arm."""

    item: str
    condition: str
    block: int = 0


@dataclass(frozen=True)
class Arm:
    """The presentations of everybody who is assigned to it."""

    name: str
    presentations: tuple[Presentation, ...]


def shuffled(things: Sequence[T], seed: int) -> list[T]:
    """The things in the order that ``seed`` gives, the same every time."""
    order = list(things)
    random.Random(seed).shuffle(order)
    return order


def shown_twice(arms: Sequence[Arm]) -> str:
    """An arm that shows an item more than once, in words; "" if none does."""
    for arm in arms:
        seen: dict[str, str] = {}
        for one in arm.presentations:
            if one.item in seen:
                return f"the arm “{arm.name}” shows “{one.item}” as {seen[one.item]} and as {one.condition}"
            seen[one.item] = one.condition
    return ""
