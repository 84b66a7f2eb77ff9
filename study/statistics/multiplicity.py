"""Several tests of one family: p values adjusted so that the family's error rate holds (Holm 1979)."""

import math
from collections.abc import Sequence

from statsmodels.stats.multitest import multipletests


def holm(p_values: Sequence[float | None]) -> list[float]:
    """Holm's step-down adjusted p values. An undefined p counts as 1 and keeps the family's size."""
    if not p_values:
        return []
    # A NaN would make every adjusted value NaN without a word.
    known = [1.0 if p is None or not math.isfinite(p) else float(p) for p in p_values]
    return [float(p) for p in multipletests(known, method="holm")[1]]
