"""What a power analysis says: how many participants, whether the items can answer at all, and a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attribution import plugins
from study.power_plan import Plan, usual_spread
from study.statistics.rounding import percent, rounded
from study.tables import lines

ADVISED = "(Westfall, Judd & Kenny, 2014)"
COLUMNS = (
    "question", "comparison", "participants", "items", "power", "low", "high", "interval", "simulations",
    "stopped_early", "analysed", "standard_error", "cost",
)  # fmt: skip


def results(plan: Plan, cells: Sequence[Mapping[str, Any]], ceilings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All of a power analysis as JSON holds it: plan, cells, ceilings, verdict, what was assumed."""
    return {
        "plan": plan.as_json(),
        "cells": list(cells),
        "ceilings": list(ceilings),
        "verdict": verdict(plan, cells, ceilings),
        "assumptions": assumptions(plan),
    }


def least(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """The comparison of the family with the least power."""
    found: Mapping[str, Any] = min(cell["effect"], key=lambda one: one["power"])
    return found


def verdict(plan: Plan, cells: Sequence[Mapping[str, Any]], ceilings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Whether the study's own items can answer, with how many participants, and the sentences that say so."""
    own = plan.own[1]
    nearest = min(plan.items, key=lambda items: abs(items - own))
    top = {one["items"]: min(one["power"]) for one in ceilings}
    mine = [cell for cell in cells if cell["items"] == nearest]
    target = f"{percent(plan.target, 0)} %"
    enough = next((cell for cell in mine if least(cell)["power"] >= plan.target), None)
    said = []
    if top[nearest] < plan.target:
        more = next((items for items in plan.items if items > nearest and top[items] >= plan.target), None)
        said.append(
            f"The study cannot answer with these {nearest} items: even endlessly many participants give no more than "
            f"{percent(top[nearest], 0)} % power, because other items could give another answer {ADVISED}. "
            + (f"{more} items could reach {target}." if more else f"Nor could {max(plan.items)} items.")
        )
    elif enough is None:
        most = mine[-1]
        said.append(
            f"With {nearest} items more than {most['participants']} participants are needed for {target} power: "
            f"{most['participants']} give {_power(least(most))}. The items allow up to {percent(top[nearest], 0)} %."
        )
    else:
        cost = f", at a cost of {rounded(enough['cost'], 2)}" if plan.cost else ""
        said.append(
            f"With {nearest} items, {enough['participants']} participants{cost} give {_power(least(enough))} for the "
            f"comparison {least(enough)['name']}; about {rounded(enough['analysed'], 0)} of them would be analysed."
        )
    planned = next((cell for cell in mine if cell["participants"] == plan.own[0]), None)
    if planned is not None:
        said.append(f"The {plan.own[0]} participants that are planned give {_power(least(planned))}.")
    chosen = planned or enough or (mine[-1] if mine else None)
    if chosen and chosen["equivalence"]:
        pair, margin = plan.equivalence["pair"], _points(plan, plan.equivalence["margin"])
        said.append(
            f"If “{pair[0]}” and “{pair[1]}” do exactly equally well, {chosen['participants']} participants show that "
            f"they are equivalent within {margin} with {_power(chosen['equivalence'])}."
        )
    if chosen and chosen["positive_control"]:
        said.append(f"The positive control shows its effect with {_power(chosen['positive_control'][0])}.")
    return {
        "items": nearest,
        "can_answer": top[nearest] >= plan.target,
        "ceiling": top[nearest],
        "participants": enough["participants"] if enough and top[nearest] >= plan.target else None,
        "planned_standard_error": chosen["standard_error"] if chosen else None,
        "sentences": said,
    }


def assumptions(plan: Plan) -> list[str]:
    """What the numbers rest on, in sentences."""
    means = ", ".join(f"{name} {_mean(plan, mean)}" for name, mean in zip(plan.conditions, plan.means, strict=True))
    scale = "log-odds" if plan.value == "correct" else "points"
    usual = usual_spread(plan.value, plan.bounds[1] - plan.bounds[0])
    spread = ", ".join(
        f"{name.replace('_', ' ').replace(' sd', '')} {sd:.3g}"
        # What a pilot's design cannot tell, such as slopes between participants, stays assumed.
        + (" (assumed)" if plan.source != "assumed" and sd == usual.get(name) else "")
        for name, sd in plan.spread.items()
    )
    rules = ", ".join(block["rule"] for block in plan.rules) or "none"
    return [
        f"Means ({plan.source}): {means}.",
        f"SDs on the scale of {scale} ({plan.source}): {spread}; slopes are of the difference between two conditions.",
        f"{percent(plan.dropout, 0)} % of participants drop out, {percent(plan.careless, 0)} % answer carelessly; "
        f"rules for leaving out: {rules} (those about names, places or response times leave nobody out here).",
        f"Two-way t test of each comparison, two-sided, alpha = {plan.alpha:g}, Holm’s correction over "
        f"{len(plan.pairs)} comparison{'s' if len(plan.pairs) > 1 else ''}; design: {plan.design['design']['name']}.",
        *_left_aside(plan),
        f"Up to {plan.simulations} simulations a cell, seed {plan.seed}"
        + (
            f"; a cell ends early where its 99.9 % interval excludes {percent(plan.target, 0)} %."
            if plan.stops_early
            else "."
        ),
    ]


def _left_aside(plan: Plan) -> list[str]:
    """What the simulation leaves aside, and which way that leads."""
    said = []
    if len(plan.family) > 1:
        said.append(
            f"The plan corrects the comparisons of {', '.join(plan.family)} together; only those of the primary "
            "analysis are simulated, so that corrected together the power is lower."
        )
    rules = [block["rule"] for block in plan.rules]
    peeking = [rule for rule in rules if getattr(plugins.load("study.exclusions", rule), "OUTCOME_DEPENDENT", False)]
    if peeking and plan.value == "correct":
        said.append(
            f"Whom {', '.join(peeking)} leaves out hangs on the outcome itself: that moves the means away from those "
            "assumed, which the ceilings do not show."
        )
    return said


def table(plan: Plan, cells: Sequence[Mapping[str, Any]], ceilings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of power.csv: one row a cell and question; the ceilings have no number of participants."""
    rows = []
    for cell in cells:
        questions = [("effect", one) for one in cell["effect"]]
        questions += [("positive control", one) for one in cell["positive_control"]]
        questions += [("equivalence", cell["equivalence"])] if cell["equivalence"] else []
        rows += [
            (
                question, one["name"], cell["participants"], cell["items"], one["power"], one["low"], one["high"],
                one["interval"], cell["simulations"], cell["stopped_early"], cell["analysed"], cell["standard_error"],
                cell["cost"],
            )
            for question, one in questions
        ]  # fmt: skip
    for top in ceilings:
        names = [f"{first} − {second}" for first, second in plan.pairs]
        rows += [
            ("ceiling, endless participants", name, None, top["items"], power, *[None] * 8)
            for name, power in zip(names, top["power"], strict=True)
        ]
    return lines(COLUMNS, rows)


def _power(one: Mapping[str, Any]) -> str:
    return f"{percent(one['power'], 0)} % power (95 % Wilson {percent(one['low'], 0)}–{percent(one['high'], 0)} %)"


def _points(plan: Plan, margin: float) -> str:
    return f"±{rounded(margin * 100, 1)} percentage points" if plan.value == "correct" else f"±{rounded(margin, 2)}"


def _mean(plan: Plan, mean: float) -> str:
    return f"{percent(mean, 0)} %" if plan.value == "correct" else rounded(mean, 2)
