"""Mixed: one factor between participants, the other within them by a Latin square.

A split-plot design (Kirk 2013, Experimental Design). ``groups`` are the levels of the factor between: each
names the conditions that its participants see. A condition may be in several groups, such as a control that all see.
"""

from collections.abc import Sequence

from . import Arm, DesignError, Strata
from ._squares import grouped

VERSION = 1


def schedule(
    items: Sequence[str],
    conditions: Sequence[str],
    strata: Strata | None = None,
    *,
    seed: int,
    groups: Sequence[Sequence[str]] = (),
    order: str = "interleaved",
    repeat_items: bool = False,
) -> list[Arm]:
    """Equally many arms a group; a group is a list of conditions, or a text with commas between them."""
    named = [_conditions(group) for group in groups]
    _check(named, conditions)
    of_group = {f"group {number}": group for number, group in enumerate(named, start=1)}
    return grouped(items, of_group, strata, seed=seed, order=order, repeat_items=repeat_items)


def _conditions(group: Sequence[str]) -> list[str]:
    return [one.strip() for one in group.split(",")] if isinstance(group, str) else [str(one) for one in group]


def _check(groups: Sequence[Sequence[str]], conditions: Sequence[str]) -> None:
    known = ", ".join(conditions)
    if len(groups) < 2:
        raise DesignError(
            f"groups should be two or more lists of conditions, such as [[“{conditions[0]}”], …], each what one group "
            f"of participants sees; the conditions are: {known}."
        )
    for number, group in enumerate(groups, start=1):
        if unknown := [name for name in group if name not in conditions]:
            raise DesignError(f"groups: “{unknown[0]}” of group {number} is no condition; there are: {known}.")
        if not group or len(set(group)) < len(group):
            raise DesignError(f"groups: group {number} should name one or more conditions, each once.")
    if left := [name for name in conditions if not any(name in group for group in groups)]:
        raise DesignError(f"groups: nobody sees {', '.join(f'“{name}”' for name in left)}; add it to a group.")
