"""The primary comparison of a study, as arrays and as a mixed model: what its supplements look at again."""

from dataclasses import dataclass

import pandas as pd

from study.analysis import Answers
from study.analysis._by_condition import Compared
from study.analysis._modelled import Fitted, modelled
from study.statistics.mixed_models.model import Family
from study.statistics.rounding import percent, rounded
from study.supplements.primary import primary

MOST_CATEGORIES = 12  # beyond these a rating is taken for continuous


@dataclass(frozen=True)
class Comparison:
    """Rows (participant, item, condition, ``value``), what compares them, and a model of each comparison."""

    rows: pd.DataFrame
    value: str
    family: Family
    compared: Compared
    fitted: tuple[Fitted, ...]
    alpha: float

    @property
    def level(self) -> float:
        return 1 - self.alpha

    @property
    def unit(self) -> str:
        return "percentage points" if self.value == "correct" else "points"

    @property
    def link(self) -> str:
        return {"binary": "log-odds", "ordinal": "log-odds of a higher rating", "gaussian": "points"}[self.family]

    def number(self, value: float | None) -> str:
        return percent(value, 1) if self.value == "correct" else rounded(value, 2)

    @property
    def column(self) -> str:
        """What heads the names of the comparisons in a table."""
        control = self.compared.control
        return f"against {self.compared.named(control)}" if control else "comparison"

    def named(self, fitted: Fitted) -> str:
        """A comparison under ``column``."""
        first, second = (self.compared.label(name) for name in (fitted.contrast.first, fitted.contrast.second))
        return first if self.compared.control else f"{first} − {second}"

    def said(self, fitted: Fitted) -> str:
        """A comparison in a sentence."""
        first, second = (self.compared.named(name) for name in (fitted.contrast.first, fitted.contrast.second))
        return f"{first} against {second}"


def comparison(answers: Answers) -> Comparison | None:
    """That of the document's primary analysis; None where it is of another kind or compares nothing."""
    made = primary(answers)
    if made is None:
        return None
    family: Family = "binary"
    if made.value == "rating":
        family = "ordinal" if made.rows["rating"].nunique() <= MOST_CATEGORIES else "gaussian"
    fitted = modelled(made.compared, made.rows, made.value, family=family, alpha=made.alpha).fitted
    return Comparison(made.rows, made.value, family, made.compared, fitted, made.alpha)
