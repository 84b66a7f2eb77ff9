"""Does the main result hang on how participants were left out, or on which task is looked at?

Steegen, Tuerlinckx, Gelman & Vanpaemel 2016 (doi 10.1177/1745691616658637): the primary comparison by the two-way test
under each alternative; those declared beforehand, otherwise without each rule and without any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from study import figures, participant_flow, tables
from study.analysis import Answers, Estimate, Finding, Test
from study.analysis._axes import differences
from study.analysis._sentences import limits
from study.preregistration import declared
from study.statistics.comparisons import Contrast
from study.statistics.rounding import p_value, percent
from study.supplements.primary import Primary, primary

AS_DECLARED = "as declared"


def multiverse(everything: Answers) -> list[Finding]:
    """One finding for the first primary comparison; none where there is only one way to decide."""
    ways = alternatives(everything.document)
    made = primary(tables.analysed(everything))
    if made is None or not ways:
        return []
    done: list[tuple[str, Primary]] = [(AS_DECLARED, made)]
    undefined = []
    for way in ways:
        found = primary(tables.analysed(_under(everything, way["exclusions"])), task=way.get("task", ""))
        if found is None:
            undefined.append(way["name"])
        else:
            done.append((way["name"], found))
    first = made.compared.contrasts[0]
    seen = [
        (name, one, contrast)
        for name, one in done
        for contrast in one.compared.contrasts
        if (contrast.first, contrast.second) == (first.first, first.second)
    ]
    level = f"{100 - 100 * made.alpha:g} % two-way t"
    named = f"“{made.compared.label(first.first)}” against “{made.compared.label(first.second)}”"
    return [
        Finding(
            analysis="multiverse",
            title="Does it hang on what was decided?",
            estimates=tuple(
                Estimate(
                    None, f"{first.first} − {first.second}: {name}", contrast.difference, contrast.low, contrast.high,
                    level, one.number(contrast.difference), contrast.participants, contrast.responses,
                )
                for name, one, contrast in seen
            ),
            tests=tuple(
                Test(
                    f"{first.first} − {first.second}: {name}", contrast.test.statistic, contrast.test.df,
                    contrast.test.p, contrast.test.unit, contrast.p_adjusted,
                )
                for name, _, contrast in seen
                if contrast.test
            ),
            sentence=_sentence(named, seen, made.alpha),
            table=pd.DataFrame([_cells(name, one, contrast, level) for name, one, contrast in seen]),
            figure=_figure(seen, made, level, everything.is_simulated),
            method=(
                f"The primary comparison was repeated by the two-way test under {len(ways)} other "
                f"way{'' if len(ways) == 1 else 's'} to leave "
                "participants out or to choose the outcome"
                + (", declared beforehand" if _is_declared(everything.document) else "")
                + " (a multiverse; Steegen, Tuerlinckx, Gelman & Vanpaemel, 2016)."
            ),
            notes=(f"Undefined under: {', '.join(undefined)}.",) if undefined else (),
        )
    ]  # fmt: skip


def alternatives(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Other ways to decide: {"name", "task", "exclusions"}."""
    if ways := declared(document)["multiverse"]:
        return [dict(way) for way in ways]
    rules = document.get("exclusions", [])
    found = [{"name": "nobody left out by a rule", "task": "", "exclusions": []}] if rules else []
    if len(rules) > 1:
        found += [
            {
                "name": f"without the rule {rule['rule']}",
                "task": "",
                "exclusions": [other for other in rules if other is not rule],
            }
            for rule in rules
        ]
    return found


def _is_declared(document: Mapping[str, Any]) -> bool:
    return bool(declared(document)["multiverse"])


def _under(everything: Answers, rules: Sequence[Mapping[str, Any]]) -> Answers:
    """The same answers with other rules asked; who did not finish stays out."""
    before = {rule for rule, _ in participant_flow.UNFINISHED.values()}
    people, responses = everything.participants.copy(), everything.responses.copy()
    by_rule = ~people["excluded_by"].isin(before)
    people.loc[by_rule, ["excluded_by", "reason"]] = None
    participant_flow.apply(rules, people, responses)
    responses["excluded_by"] = responses["participant"].map(people.set_index("participant")["excluded_by"])
    responses["excluded_by"] = responses["excluded_by"].astype(object).where(responses["excluded_by"].notna(), None)
    return replace(everything, participants=people, responses=responses)


def _cells(name: str, one: Primary, contrast: Contrast, level: str) -> dict[str, str]:
    return {
        "decided": name,
        "task": one.task,
        "participants": str(contrast.participants),
        "answers": str(contrast.responses),
        f"difference ({one.unit})": one.number(contrast.difference),
        level: limits(contrast.low, contrast.high, one.number),
        "p (Holm)": p_value(contrast.p_adjusted if contrast.test else None).removeprefix("p = ").removeprefix("p "),
    }


def _sentence(named: str, seen: Sequence[tuple[str, Primary, Contrast]], alpha: float) -> str:
    """Whether all ways agree with the declared one."""

    def outcome(contrast: Contrast) -> str:
        if contrast.test is None:
            return "undefined"
        if not contrast.is_significant(alpha):
            return "no clear difference"
        return "more" if (contrast.difference or 0) > 0 else "less"

    outcomes = [outcome(contrast) for _, _, contrast in seen]
    agree = sum(one == outcomes[0] for one in outcomes)
    others = len(outcomes) - 1
    told = {
        "more": "the first does clearly better",
        "less": "the first does clearly worse",
        "no clear difference": "there is no clear difference",
        "undefined": "there is no test",
    }
    if others == 0:
        return f"{named}: no other way to decide leaves enough answers for a test."
    ways = f"{others} other way{'s' if others > 1 else ''} to decide"
    if agree == len(outcomes):
        return f"{named}: {told[outcomes[0]]}, as declared and in {'all ' if others > 1 else 'the '}{ways}."
    different = [name for (name, _, _), one in zip(seen, outcomes, strict=True) if one != outcomes[0]]
    return (
        f"{named}: {told[outcomes[0]]} as declared, but not in {len(different)} of {ways} "
        f"({', '.join(f'“{name}”' for name in different)}): the result hangs on that decision."
    )


def _figure(seen: Sequence[tuple[str, Primary, Contrast]], made: Primary, level: str, is_simulated: bool) -> str:
    rows = [
        figures.Row(name, [], [], contrast.difference, contrast.low, contrast.high, reference=0.0)
        for name, _, contrast in seen
    ]
    show = (lambda value: percent(value, 0)) if made.value == "correct" else None
    return figures.points_and_means(
        rows,
        differences(rows, f"difference in {made.unit}", show),
        title="The primary comparison under other decisions",
        interval=level,
        reference="no difference",
        watermark="simulated participants" if is_simulated else "",
        statistic="difference",
    )
