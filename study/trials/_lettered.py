"""Pictures that an answer chooses among: lettered on the screen, numbered in the answer.

A picture's number is its place in the stimulus, which was drawn when the stimulus was composed; its letter is its place
on the screen, which each presentation draws anew. So neither says anything of the key.
"""

from collections.abc import Sequence
from string import ascii_uppercase

from . import Panel, Stimulus, shuffled


def lettered(
    stimulus: Stimulus, role: str, alt: str, seed: int | None = None
) -> tuple[tuple[Panel, ...], tuple[tuple[str, str], ...]]:
    """The stimulus's pictures of a role as panels A, B, ..., and the (number, letter) pairs to choose from."""
    slots = stimulus.having(role)
    order = shuffled(range(1, len(slots) + 1), stimulus.seed if seed is None else seed)
    letters = ascii_uppercase[: len(slots)]
    panels = tuple(
        Panel("picture", slots[number - 1].picture, f"{alt} {letter}", letter)
        for number, letter in zip(order, letters, strict=True)
    )
    return panels, tuple((str(number), letter) for number, letter in zip(order, letters, strict=True))


def placed(values: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The same, each value telling the whole order too (“2 of 3 1 2”), so that a score knows what stood where."""
    order = " ".join(number for number, _ in values)
    return tuple((f"{number} of {order}", letter) for number, letter in values)


def unplaced(value: str) -> tuple[int, list[int]]:
    """What ``placed`` wrote: the number, and the numbers in their order on the screen."""
    number, _, order = value.partition(" of ")
    return int(number), [int(one) for one in order.split()]
