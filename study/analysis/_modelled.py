"""Comparisons by mixed model: one fit a hypothesis, on the answers under its two conditions.

The condition gets a random slope over every unit within which it varies (Barr, Levy, Scheepers & Tily 2013), so that
its degrees of freedom are those of the unit that the design lets vary.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from study.analysis import AnalysisError
from study.analysis._by_condition import Compared
from study.statistics.comparisons import NO_ITEM, Contrast
from study.statistics.crossed_means import Tested
from study.statistics.marginal_effects import MarginalDifference, difference, marginal_means
from study.statistics.mixed_models import Contrast as Coefficient
from study.statistics.mixed_models import MixedModel, ModelError, fit
from study.statistics.mixed_models.design import Design
from study.statistics.mixed_models.model import Family
from study.statistics.multiplicity import holm

UNITS = ("participant", "item")
MOST_KEPT = 256  # comparisons whose fits a process remembers


@dataclass(frozen=True)
class Fitted:
    """One comparison: on the scale of the link (``coefficient``) and in the response's units (``contrast``).

    The contrast's test is the coefficient's; ``margin`` holds that of the difference in the response's units.
    """

    contrast: Contrast
    coefficient: Coefficient | None = None
    margin: MarginalDifference | None = None
    formula: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Modelled:
    """The comparisons of ``compared`` by model; ``compared`` holds them in place of its own."""

    compared: Compared
    fitted: tuple[Fitted, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """The models' notes, each once with the comparisons that it is on."""
        found: dict[str, list[str]] = {}
        for one in self.fitted:
            for note in one.notes:
                told = note.replace(f"condition[T.{one.contrast.first}]", "the difference")
                found.setdefault(told, []).append(self.named(one))
        return tuple(f"{'; '.join(named)}: {note}" for note, named in found.items())

    def named(self, one: Fitted) -> str:
        """Both conditions of a comparison, for a reader."""
        return f"{self.compared.named(one.contrast.first)} and {self.compared.named(one.contrast.second)}"


def modelled(found: Compared, rows: pd.DataFrame, value: str, *, family: Family, alpha: float) -> Modelled:
    """Every comparison of ``found`` by a model of its own; Holm's correction over the family, not over the gates."""
    if not found.all_contrasts:
        raise AnalysisError("A model of what a condition changes needs answers under two conditions; there is one.")
    fits = [_fitted(rows, value, one.first, one.second, family, 1 - alpha) for one in found.contrasts]
    gates = [_fitted(rows, value, one.first, one.second, family, 1 - alpha) for one in found.positive]
    fits, gates = _adjusted(fits), _adjusted(gates)
    compared = replace(
        found, contrasts=tuple(one.contrast for one in fits), positive=tuple(one.contrast for one in gates)
    )
    return Modelled(compared, (*fits, *gates))


def _adjusted(fits: Sequence[Fitted]) -> list[Fitted]:
    adjusted = holm([one.contrast.test.p if one.contrast.test else None for one in fits])
    return [
        replace(one, contrast=replace(one.contrast, p_adjusted=p)) if one.contrast.test else one
        for one, p in zip(fits, adjusted, strict=True)
    ]


_kept: dict[tuple[str, ...], Fitted] = {}


def _fitted(rows: pd.DataFrame, value: str, first: str, second: str, family: Family, level: float) -> Fitted:
    """The comparison's model, fitted once: an analysis and what the report adds to it ask for the same."""
    both = rows.loc[rows["condition"].isin([first, second]), ["participant", "item", "condition", value]]
    both = both.assign(
        item=both["item"].fillna(NO_ITEM),
        condition=pd.Categorical(both["condition"], categories=[second, first]),
        **{value: both[value].astype(float)},
    )
    contents = hashlib.sha256(pd.util.hash_pandas_object(both, index=False).to_numpy().tobytes()).hexdigest()
    key = (contents, value, first, second, family, str(level))
    if key not in _kept:
        while len(_kept) >= MOST_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = _fit(both, value, first, second, family, level)
    return _kept[key]


def _fit(both: pd.DataFrame, value: str, first: str, second: str, family: Family, level: float) -> Fitted:
    nothing = Contrast(
        first, second, None, None, None, None, float("nan"), False, both["participant"].nunique(), len(both)
    )
    if both["condition"].nunique() < 2:
        return Fitted(replace(nothing, problem="one of the two conditions has no responses"))
    terms = random_terms(both, family)
    if not terms:
        problem = "there are only one participant and one item, so nothing can be inferred beyond them"
        return Fitted(replace(nothing, problem=problem))
    formula = f"{value} ~ condition + {' + '.join(terms)}"
    try:
        model = fit(formula, both, family=family, reml=True)
        name = f"condition[T.{first}]"
        coefficient = model.contrast({name: 1.0}, name=f"{first} − {second}", level=level)
        control, treatment = marginal_means(model, "condition", [second, first], level=level)
        margin = difference(model, treatment, control, level=level)
    except ModelError as error:
        problem = str(error).rstrip(".")
        return Fitted(replace(nothing, problem=problem[:1].lower() + problem[1:]), formula=formula)
    if not np.isfinite(coefficient.p):
        return Fitted(replace(nothing, problem="the model gives the difference no standard error"), formula=formula)
    means = both.groupby("condition", observed=True)[value].mean()
    contrast = replace(
        nothing,
        difference=margin.estimate,
        low=margin.low,
        high=margin.high,
        test=Tested(coefficient.t, coefficient.df, coefficient.p, _unit(model, name)),
        is_paired=_varies_within(both, "participant"),
        is_contradicted=margin.p >= 1 - level and (means[first] - means[second]) * coefficient.estimate <= 0,
    )
    return Fitted(contrast, coefficient, margin, formula, model.notes)


def random_terms(both: pd.DataFrame, family: Family) -> list[str]:
    """An intercept for every unit with two members or more, and a slope where the condition varies within it."""
    terms = []
    for unit in UNITS:
        members = both[unit].nunique()
        if members < 2:
            continue
        # A linear model cannot tell as many effects as there are rows from its residual.
        has_room = family != "gaussian" or 2 * members < len(both)
        terms.append(f"(1 + condition | {unit})" if has_room and _varies_within(both, unit) else f"(1 | {unit})")
    return terms


def _varies_within(both: pd.DataFrame, unit: str) -> bool:
    return bool((both.groupby(unit, observed=True)["condition"].nunique() > 1).sum() >= 2)


def _unit(model: MixedModel, name: str) -> str:
    """The unit whose number limits what is known of a coefficient."""
    place = model.names.index(name)
    df = {
        factor.name: Design(model.design.y, model.design.X, model.names, (factor,), "", "").degrees_of_freedom(np.inf)[
            place
        ]
        for factor in model.design.factors
    }
    unit = min(df, key=lambda one: df[one])
    return f"{unit}s" if np.isfinite(df[unit]) else "responses"
