"""What was not done as it was frozen, or could not have been: found by comparing the plan with what was analysed.

``Answers.plan`` holds what was frozen and how often the answers were looked at (``study.frozen_plan`` writes it).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from attribution import plugins
from study.analysis import Answers
from study.changes import document_changes
from study.preregistration import declared
from study.supplements.looks import Standing, standing

# What the analysed numbers hang on: where it was changed after launch, nothing was planned any more.
DECISIVE = ("exclusions", "conditions", "items", "tasks", "design")
MOST_CHANGES = 8


def deviations(everything: Answers) -> list[str]:
    """A sentence for each."""
    plan = everything.plan
    if plan.get("is_imported"):
        return ["These are other people’s answers: nothing was frozen here before they were given."]
    if not plan.get("frozen_at"):
        return ["The study was never launched, so nothing was frozen before the answers."]
    return [
        *_changes(everything),
        *_early(everything),
        *_number(everything),
        *_looks(everything),
        *_outcome_dependent(everything),
    ]


def exploratory(document: Mapping[str, Any], plan: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Why an analysis of the document was not planned, "" where it was or where nothing was frozen."""
    frozen = plan.get("document")
    if frozen is None:
        return ""
    if changed := [key for key in DECISIVE if frozen.get(key) != document.get(key)]:
        return f"{', '.join(changed)} {'is' if len(changed) == 1 else 'are'} not as frozen before the answers"
    before, after = frozen.get("analysis", {}), document.get("analysis", {})
    if before.get("alpha", 0.05) != after.get("alpha", 0.05):
        return f"alpha is {after.get('alpha', 0.05):g}, frozen was {before.get('alpha', 0.05):g}"
    if not any(_same(one, wanted) for one in before.get("analyses", [])):
        return "this analysis was not in the plan that was frozen before the answers"
    if before.get("primary") != after.get("primary") and wanted["name"] == after.get("primary"):
        return f"the primary analysis was to be {before.get('primary')}"
    return ""


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["name"] == other["name"] and (one.get("parameters") or {}) == (other.get("parameters") or {}))


def _changes(everything: Answers) -> Iterator[str]:
    frozen, document = everything.plan.get("document"), dict(everything.document)
    if frozen is None or frozen == document:
        return
    yield "The study document is not the one that was frozen at launch."
    changes = document_changes(frozen, document)
    yield from changes[:MOST_CHANGES]
    if len(changes) > MOST_CHANGES:
        yield f"And {len(changes) - MOST_CHANGES} more changes of the document."


def _early(everything: Answers) -> Iterator[str]:
    started = pd.to_datetime(everything.participants["started_at"], utc=True, errors="coerce")
    early = int((started < pd.Timestamp(everything.plan["frozen_at"]).floor("s")).sum())
    if early:
        yield f"{early} participations began before the study was frozen."


def _number(everything: Answers) -> Iterator[str]:
    planned = declared(everything.plan.get("document") or {})["participants"]
    if not planned:
        return
    analysed = int(everything.participants["excluded_by"].isna().sum())
    if analysed < planned and everything.plan.get("is_closed"):
        yield f"{planned} participants were to be analysed; there are {analysed}, fewer than planned."
    elif analysed > planned:
        yield f"{planned} participants were to be analysed; there are {analysed}, more than planned."


def _looks(everything: Answers) -> Iterator[str]:
    found = standing(everything)
    if found is None:
        if not everything.plan.get("is_closed"):
            yield (
                "The study still takes participants: this is an interim look. Looking repeatedly and stopping at a "
                "good moment makes p values too small."
            )
        analysed = int(everything.participants["excluded_by"].isna().sum())
        looks = everything.plan.get("looks", [])
        before = [one for one in looks if not one.get("is_closed") and one["participants"] != analysed]
        if before:
            yield (
                f"The answers were looked at {len(before)} time{'s' if len(before) > 1 else ''} before, while the "
                "study took participants; no looks were planned."
            )
        return
    yield from _unplanned(found)


def _unplanned(found: Standing) -> Iterator[str]:
    for look in found.looks:
        if not look.is_planned:
            yield (
                f"{f'The look of {_when(look.at)}' if look.at else 'This look'} with {look.participants} participants "
                f"({look.fraction:.0%} of the planned information) was not planned; its share of alpha is counted as "
                "spent."
            )


def _when(at: str) -> str:
    return f"{at[:16].replace('T', ' ')} UTC"


def _outcome_dependent(everything: Answers) -> Iterator[str]:
    rules: Sequence[Mapping[str, Any]] = everything.document.get("exclusions", [])
    flagged = [
        one for one in rules if getattr(plugins.load("study.exclusions", one["rule"]), "OUTCOME_DEPENDENT", False)
    ]
    if flagged:
        frozen = list(map(_asked, (everything.plan.get("document") or {}).get("exclusions", [])))
        is_declared = all(_asked(one) in frozen for one in flagged)  # with the limits that it has now, too
        yield (
            f"{'As declared beforehand, participants' if is_declared else 'Participants'} are left out by what the "
            f"study measures ({', '.join(one['rule'] for one in flagged)}), which can make an effect or hide one."
        )


def _asked(rule: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return rule["rule"], dict(rule.get("parameters") or {})
