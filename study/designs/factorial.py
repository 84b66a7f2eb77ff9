"""Factorial: every combination of the factors' levels is a condition; factors vary between participants or within.

Fisher 1935, The Design of Experiments. A condition is called by its levels, in the order of ``factors``, with dots
between them: with factors = method, display it is “gradient.map”, “gradient.overlay”, and so on. The factors in
``between`` divide the participants into groups; the others vary within each of them by a Latin square.
"""

from collections.abc import Sequence
from itertools import product

from . import Arm, DesignError, Strata
from ._squares import grouped

VERSION = 1


def schedule(
    items: Sequence[str],
    conditions: Sequence[str],
    strata: Strata | None = None,
    *,
    seed: int,
    factors: Sequence[str] = (),
    between: Sequence[str] = (),
    outside: Sequence[str] = (),
    order: str = "interleaved",
    repeat_items: bool = False,
) -> list[Arm]:
    """Equally many arms for each combination of the levels between; conditions ``outside`` the factors, such as a
    control, are shown in each group."""
    crossed = [name for name in conditions if name not in outside]
    _check(crossed, conditions, factors, between, outside)
    groups: dict[str, list[str]] = {}
    for name in crossed:
        levels = [level for factor, level in zip(factors, name.split("."), strict=True) if factor in between]
        groups.setdefault(".".join(levels), []).append(name)
    with_outside = {group: [*members, *outside] for group, members in groups.items()}
    return grouped(items, with_outside, strata, seed=seed, order=order, repeat_items=repeat_items)


def _check(
    crossed: Sequence[str],
    conditions: Sequence[str],
    factors: Sequence[str],
    between: Sequence[str],
    outside: Sequence[str],
) -> None:
    if not factors or len(set(factors)) < len(factors):
        raise DesignError(
            "factors should name each factor once, such as [“method”, “display”]; each condition is then called by "
            "its levels with dots between them, such as “gradient.map”."
        )
    if unknown := [name for name in between if name not in factors]:
        raise DesignError(f"between: “{unknown[0]}” is no factor; there are: {', '.join(factors)}.")
    if unknown := [name for name in outside if name not in conditions]:
        raise DesignError(f"outside: “{unknown[0]}” is no condition; there are: {', '.join(conditions)}.")
    for name in crossed:
        if name.count(".") != len(factors) - 1:
            raise DesignError(
                f"The condition “{name}” should be called by its {len(factors)} levels ({', '.join(factors)}) with "
                "dots between them; one that has no levels belongs to outside."
            )
    if not crossed:
        raise DesignError("All conditions are outside the factors; those that are crossed are missing.")
    # Levels in the order of the conditions.
    levels = [list(dict.fromkeys(column)) for column in zip(*(name.split(".") for name in crossed), strict=True)]
    for factor, found in zip(factors, levels, strict=False):
        if len(found) < 2:
            raise DesignError(f"The factor “{factor}” has one level, “{found[0]}”; it should have two or more.")
    missing = [".".join(cell) for cell in product(*levels) if ".".join(cell) not in crossed]
    if missing:
        raise DesignError(f"The factors are not crossed: add {', '.join(f'“{name}”' for name in missing)}.")
