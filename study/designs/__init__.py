"""Designs: who sees what. ``schedule(items, conditions, *, seed, ...) -> arms``: pure, balanced, replayable.

``items`` and ``conditions`` are names; an arm is a name and its presentations, grouped in blocks. Within a block the
order is drawn anew for each participant (enrolment stores that seed), blocks keep their order.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

VERB = "schedule"

T = TypeVar("T")


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
