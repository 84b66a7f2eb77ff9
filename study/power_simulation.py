"""Power over participants x items: every cell a simulation of the study's own design, its drop-outs and its rules."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from attribution import plugins
from study.power_plan import Plan
from study.statistics.crossed_means import Values
from study.statistics.crossed_power import (
    Answered,
    Flags,
    Keep,
    Layout,
    Tests,
    ceiling,
    simulate,
    tested,
)
from study.statistics.multiplicity import holm_of_each

BATCH = 200
PRESENTATIONS = 4_000_000  # simulated at a time: their arrays stay under about 100 MB
CERTAIN = 0.001  # a cell ends early where the power's 99.9 % interval excludes the target
CATCH_RIGHT = 0.97  # of attentive participants
Cell = dict[str, Any]


def cells(plan: Plan) -> list[tuple[int, int]]:
    """(participants, items) in the order in which they are computed."""
    return [(people, items) for items in plan.items for people in plan.participants]


def compute(
    plan: Plan,
    done: Sequence[Cell] = (),
    *,
    finished: Callable[[Cell], None] = lambda cell: None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[Cell]:
    """All cells, those of ``done`` as they are; ``finished`` is told each new one, which depends on the plan alone."""
    known = {(one["participants"], one["items"]): one for one in done}
    wanted = cells(plan)
    found = []
    for number, size in enumerate(wanted):
        if size not in known:

            def within(share: float, number: int = number) -> None:
                progress((number + share) / len(wanted))

            known[size] = _cell(plan, *size, progress=within)
            finished(known[size])
        found.append(known[size])
        progress((number + 1) / len(wanted))
    return found


def ceilings(plan: Plan) -> list[dict[str, Any]]:
    """For each number of items the power that no number of participants can exceed."""
    found = []
    for items in plan.items:
        rng = np.random.default_rng([plan.seed, items])
        powers = ceiling(plan.population(), items, plan.codes(plan.pairs), rng, alpha=plan.alpha)
        found.append({"items": items, "power": [float(power) for power in powers]})
    return found


def _cell(plan: Plan, participants: int, items: int, *, progress: Callable[[float], None]) -> Cell:
    rng = np.random.default_rng([plan.seed, participants, items])
    layout = plan.layout(participants, items)
    keep = keeper(plan, layout)
    rows = sum(len(arm.people) * len(arm.items) for arm in layout.arms)
    size = max(1, min(BATCH, PRESENTATIONS // max(rows, 1)))
    names = [*(_name(pair) for pair in plan.pairs), *(_name(pair) for pair in plan.gates)]
    hits = np.zeros(len(names) + bool(plan.equivalence))
    se, analysed, simulated, is_early = 0.0, 0.0, 0, False
    population, equal = plan.population(), plan.population(equal=plan.equivalence.get("pair", ()))
    is_separate = bool(plan.equivalence) and not np.array_equal(population.means, equal.means)
    while simulated < plan.simulations:
        count = min(size, plan.simulations - simulated)
        drawn = simulate(layout, population, count, rng, keep)
        family = _tests(plan, drawn, plan.pairs)
        found = [*_significant(family, plan.alpha), *_shown(plan, drawn)]
        if plan.equivalence:
            found.append(_equivalent(plan, simulate(layout, equal, count, rng, keep) if is_separate else drawn))
        hits += [float(one.sum()) for one in found]
        se += float(np.nansum(family[0].se))
        analysed += float(drawn.kept.sum())
        simulated += count
        progress(simulated / plan.simulations)
        if plan.stops_early and simulated < plan.simulations and _is_certain(hits, simulated, plan.target):
            is_early = True
            break
    powers = [_power(name, count, simulated) for name, count in zip([*names, "equivalence"], hits, strict=False)]
    return {
        "participants": participants,
        "items": items,
        "simulations": simulated,
        "stopped_early": is_early,
        "analysed": analysed / simulated,
        "cost": participants * plan.cost,
        "standard_error": se / simulated,
        "effect": powers[: len(plan.pairs)],
        "positive_control": powers[len(plan.pairs) : len(names)],
        "equivalence": powers[-1] if plan.equivalence else None,
    }


def _name(pair: Sequence[str]) -> str:
    return f"{pair[0]} − {pair[1]}"


def _tests(plan: Plan, drawn: Answered, pairs: Sequence[Sequence[str]]) -> list[Tests]:
    return [tested(drawn, first, second) for first, second in plan.codes(pairs)]


def _significant(found: Sequence[Tests], alpha: float) -> list[Flags]:
    adjusted = holm_of_each(np.stack([one.p for one in found], axis=1))
    return list((adjusted < alpha).T)


def _shown(plan: Plan, drawn: Answered) -> list[Flags]:
    """Where each positive control does better than the blind one, which the report asks before it claims equality."""
    found = _tests(plan, drawn, plan.gates)
    if not found:
        return []
    better = [one.difference > 0 for one in found]
    return [clear & up for clear, up in zip(_significant(found, plan.alpha), better, strict=True)]


def _equivalent(plan: Plan, drawn: Answered) -> Flags:
    """Two one-sided tests within the margin, and the gate open."""
    one = _tests(plan, drawn, [plan.equivalence["pair"]])[0]
    margin = plan.equivalence["margin"]
    with np.errstate(invalid="ignore", divide="ignore"):
        above = (one.difference + margin) / one.se_under(-margin)
        below = (one.difference - margin) / one.se_under(margin)
        p = np.maximum(stats.t.sf(above, one.df), stats.t.cdf(below, one.df))
    is_open = np.logical_and.reduce(_shown(plan, drawn)) if plan.gates else True
    return np.asarray((np.nan_to_num(p, nan=1.0) < plan.alpha) & is_open)


def _power(name: str, hits: float, simulations: int) -> dict[str, Any]:
    low, high = proportion_confint(hits, simulations, method="wilson")
    return {
        "name": name, "hits": int(hits), "power": float(hits / simulations), "low": float(low), "high": float(high),
        "interval": "95 % Wilson",
    }  # fmt: skip


def _is_certain(hits: Values, simulations: int, target: float) -> bool:
    low, high = proportion_confint(hits, simulations, alpha=CERTAIN, method="wilson")
    return bool(((low > target) | (high < target)).all())


def keeper(plan: Plan, layout: Layout) -> Keep | None:
    """Who is analysed: those who do not drop out and whom no declared rule leaves out; None where all are.

    The rules themselves are asked, once for every number of right main and catch answers that there can be. They see no
    response times and no names, so that rules about those leave nobody out.
    """
    if not plan.rules and not plan.dropout:
        return None
    length = np.zeros(layout.participants, dtype=np.intp)
    for arm in layout.arms:
        length[arm.people] = len(arm.items)
    allowed = {int(k): _allowed(plan, int(k)) for k in np.unique(length)} if plan.rules else {}

    def keep(rights: Values, is_careless: Flags, rng: np.random.Generator) -> Flags:
        kept = rng.random(rights.shape) >= plan.dropout
        if allowed:
            chance = np.where(is_careless, plan.guess if plan.value == "correct" else 0.25, CATCH_RIGHT)
            catch = rng.binomial(plan.catch, chance)
            main = rights.astype(np.intp) if plan.value == "correct" else np.zeros(rights.shape, dtype=np.intp)
            for k, table in allowed.items():
                here = length == k
                kept[:, here] &= table[main[:, here], catch[:, here]]
        return kept

    return keep


def _allowed(plan: Plan, length: int) -> Flags:
    """(length + 1, catch + 1): whether a participant with so many right answers is analysed."""
    rows, counts = [], range((length if plan.value == "correct" else 0) + 1)
    for main in counts:
        for catch in range(plan.catch + 1):
            name = f"{main} {catch}"
            if plan.value == "correct":
                rows += [(name, "main", place < main) for place in range(length)]
            rows += [(name, "catch", place < catch) for place in range(plan.catch)]
    responses = pd.DataFrame(rows, columns=["participant", "phase", "correct"], dtype=object)
    for column in ("response_ms", "item", "condition", "task", "trial_type", "response", "rating", "position"):
        responses[column] = None
    responses["attempt"] = 1.0
    names = [f"{main} {catch}" for main in counts for catch in range(plan.catch + 1)]
    nothing = dict.fromkeys(("duplicate_of", "started_at", "completed_at", "arm", "excluded_by", "reason"))
    people = pd.DataFrame({"participant": names, **nothing})
    out: set[str] = set()
    for block in plan.rules:
        plugin = plugins.load("study.exclusions", block["rule"])
        parameters = plugins.complete("study.exclusions", block["rule"], block.get("parameters", {}))
        out |= set(plugin.excluded(people, responses, **parameters))
    return np.array([name not in out for name in names]).reshape(len(counts), plan.catch + 1)
