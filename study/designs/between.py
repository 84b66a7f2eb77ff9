"""Between participants: everybody sees every item, all under one condition.

One arm a condition; nobody can compare conditions, so none gives another away.
"""

from collections.abc import Sequence

from . import Arm, DesignError, Presentation, Strata

VERSION = 1


def schedule(items: Sequence[str], conditions: Sequence[str], strata: Strata | None = None, *, seed: int) -> list[Arm]:
    """One arm for each condition, named as it is, with every item once."""
    if not items or not conditions:
        raise DesignError("A design needs at least one item and one condition.")
    return [Arm(name, tuple(Presentation(item, name) for item in items)) for name in conditions]
