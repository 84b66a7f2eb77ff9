"""Where a study stands that looks at its answers while they come in: has the boundary been crossed?

Lan & DeMets 1983 (doi 10.1093/biomet/70.3.659): each look spends a share of alpha; information is 1/SE² of the first
primary comparison, as a share of what was planned. Looks that were not planned spend their share too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from study import tables
from study.analysis import Answers, Finding, Test
from study.preregistration import declared
from study.statistics.crossed_means import UndefinedError
from study.statistics.rounding import p_value, percent, without_zero
from study.statistics.sequential import boundaries, information_fraction
from study.supplements.primary import effects

NEAR = 0.1  # of the planned information: a look this near to a planned one is that one
MOST, STEP = 0.99, 0.001  # of the planned information at a look that is not the last; between two looks
NAMES = {"obrien_fleming": "O’Brien-Fleming", "pocock": "Pocock"}


@dataclass(frozen=True)
class Looked:
    """One look: ``nominal`` is the p value at or below which it stops; ``at`` is "" for this report."""

    at: str
    participants: int
    fraction: float
    p: float
    nominal: float
    is_planned: bool

    @property
    def has_crossed(self) -> bool:
        return self.p <= self.nominal


@dataclass(frozen=True)
class Standing:
    """All looks so far, this report's last; ``problem`` says why it has no boundary, "" where it has."""

    term: str
    looks: tuple[Looked, ...]
    planned: tuple[float, ...]
    spending: str
    alpha: float
    is_final: bool
    problem: str = ""


def standing(everything: Answers) -> Standing | None:
    """None where no looks were planned. ``everything`` holds the excluded participants too, and the plan."""
    prereg = declared(everything.plan.get("document") or everything.document)
    if not prereg["looks"] or everything.plan.get("is_imported"):
        return None
    kept = tables.analysed(everything)
    alpha = float(kept.document.get("analysis", {}).get("alpha", 0.05))
    is_final = bool(everything.plan.get("is_closed"))
    planned = tuple(map(float, prereg["looks"]))
    nothing = Standing("", (), planned, prereg["spending"], alpha, is_final)
    if kept.are_conditions_coded and len(kept.conditions) > 2:
        # Without the roles all pairs are compared; the first of them by its code is hardly the one that was planned.
        return _with(nothing, "the conditions are coded, so that nobody can tell which comparison was planned first")
    found = effects(kept)
    if not found:
        return _with(nothing, "the primary comparison is undefined so far")
    first = found[0]
    now = {
        "at": "",
        "participants": len(kept.participants),
        "standard_error": first["standard_error"],
        "p": first["p_adjusted"],
    }
    earlier = [one for one in everything.plan.get("looks", []) if not _alike(one, now)]
    given = [(one, _fraction(one, prereg, first["unit"])) for one in [*earlier, now]]
    if given[-1][1] is None:
        return _with(nothing, "neither a standard error nor a number of participants was planned")
    chosen: list[tuple[Mapping[str, Any], float]] = []
    for one, share in given:
        before = chosen[-1][1] if chosen else 0.0
        # The end spends what is left. An earlier look that brought no information is none; this one always is.
        fraction = 1.0 if one is now and is_final else min(share or 0.0, MOST)
        if one is now:
            fraction = max(fraction, before + STEP)
        if fraction > before:
            chosen.append((one, fraction))
    try:
        bounds = boundaries([share for _, share in chosen], alpha=alpha, spending=prereg["spending"])
    except UndefinedError as error:
        return _with(nothing, str(error))
    left = list(planned)
    looks = []
    for (one, fraction), bound in zip(chosen, bounds, strict=True):
        near = min(left, key=lambda share: abs(share - fraction), default=None)
        is_planned = near is not None and abs(near - fraction) <= NEAR + 1e-9
        if near is not None and is_planned:
            left.remove(near)
        looks.append(Looked(one["at"], one["participants"], fraction, one["p"], bound.nominal_p, is_planned))
    named = "“{}” against “{}”".format(*first["labels"])
    return Standing(named, tuple(looks), planned, prereg["spending"], alpha, is_final)


def looks(everything: Answers) -> list[Finding]:
    """One finding where looks were planned: the table of looks, and whether to stop."""
    found = standing(everything)
    if found is None:
        return []
    planned = ", ".join(percent(share, 0) + " %" for share in found.planned)
    name = NAMES[found.spending]
    method = (
        f"Looks at the answers were planned at {planned} of the information, with {name} spending of alpha = "
        f"{found.alpha:g} (Lan & DeMets, 1983); each compares the p value with its nominal level."
    )
    if found.problem:
        said = f"Where the study stands cannot be said: {found.problem}."
        return [Finding("looks", "Looks at the answers", (), (), sentence=said, answer=said, method=method)]
    last = found.looks[-1]
    table = pd.DataFrame(
        {
            "look": [one.at[:16].replace("T", " ") or "this report" for one in found.looks],
            "participants": [str(one.participants) for one in found.looks],
            "information": [
                "the end" if found.is_final and one is last else f"{percent(one.fraction, 0)} %" for one in found.looks
            ],
            "planned": ["yes" if one.is_planned else "no" for one in found.looks],
            "stops at p of": [_level(one.nominal) for one in found.looks],
            "p": [p_value(one.p).removeprefix("p = ").removeprefix("p ") for one in found.looks],
            "crossed": ["yes" if one.has_crossed else "no" for one in found.looks],
        }
    )
    return [
        Finding(
            analysis="looks",
            title="Looks at the answers",
            estimates=(),
            tests=(Test(f"{found.term}: look {len(found.looks)}", None, None, last.p, "looks"),),
            sentence=_sentence(found),
            table=table,
            method=method,
        )
    ]


def _sentence(found: Standing) -> str:
    last = found.looks[-1]
    numbers = f"{p_value(last.p)}, boundary {_level(last.nominal)}"
    share = f"{percent(last.fraction, 0)} % of the planned information"
    if last.has_crossed and found.is_final:
        said = f"The study has ended beyond its boundary ({numbers}): {found.term} is decided."
    elif last.has_crossed:
        said = f"The boundary is crossed with {share} ({numbers}): {found.term} is decided, and the study may stop."
    elif found.is_final:
        said = f"The study has ended without crossing its boundary ({numbers}): {found.term} is not clear."
    else:
        said = f"The boundary is not crossed with {share} ({numbers}): the study goes on as planned."
    if not last.has_crossed and (before := [one for one in found.looks if one.has_crossed]):
        said += f" It was crossed at an earlier look, with {percent(before[0].fraction, 0)} %."
    peeks = sum(not one.is_planned for one in found.looks)
    if peeks == len(found.looks) == 1:
        said += " This look was not planned."
    elif peeks:
        said += f" {peeks} of the {len(found.looks)} looks {'was' if peeks == 1 else 'were'} not planned."
    return said


def _level(nominal: float) -> str:
    return "< .00001" if nominal < 1e-5 else without_zero(nominal, 5)


def _fraction(look: Mapping[str, Any], prereg: Mapping[str, Any], unit: str) -> float | None:
    if prereg["planned_standard_error"]:
        scale = 100.0 if "share" in unit else 1.0
        return information_fraction(look["standard_error"], prereg["planned_standard_error"] / scale)
    return look["participants"] / prereg["participants"] if prereg["participants"] else None


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[key] == other[key] for key in ("participants", "standard_error"))


def _with(nothing: Standing, problem: str) -> Standing:
    return Standing(
        nothing.term, (), nothing.planned, nothing.spending, nothing.alpha, nothing.is_final, problem.rstrip(".")
    )
