"""What was frozen before the answers, and how often they were looked at since: what a report is held against."""

from collections.abc import Mapping, Sequence
from typing import Any

from study.analysis import Condition
from study.analysis._by_condition import pairs_to_compare
from study.statistics.multiplicity import holm

from . import blinding
from .models import Report, Study


def plan(study: Study, report: Report | None = None) -> dict[str, Any]:
    """Plain data, as plan.json in a report's folder holds it; for a ``report`` of the past as it was then."""
    if study.state == Study.State.IMPORTED:
        return {"is_imported": True}
    if study.frozen_at is None:
        return {"frozen_at": None}
    frozen = study.frozen.get("document")
    return {
        "frozen_at": study.frozen_at.isoformat(),
        "hash": study.hash,
        "time_stamp": "made by this program itself",
        "registrations": registrations(study),
        "document": blinding.document(study, frozen) if frozen else None,
        "is_closed": report.results.get("is_closed", False) if report else study.state == Study.State.CLOSED,
        "looks": looks(study, report),
    }


def registrations(study: Study) -> list[dict[str, Any]]:
    """Where the plan was registered by somebody else, such as OSF: as it was attached, the earliest first."""
    entries = study.auditentry_set.filter(action=REGISTERED).order_by("at", "pk")
    return [{**one.detail, "attached_at": one.at.isoformat(timespec="seconds")} for one in entries]


def looks(study: Study, report: Report | None = None) -> list[dict[str, Any]]:
    """Earlier reports on persons' answers, each number of answers once: what somebody knew, and when."""
    reports = study.report_set.filter(is_simulated=False).order_by("created_at", "pk").defer("html")
    if report:
        reports = reports.filter(pk__lt=report.pk)
    found: list[dict[str, Any]] = []
    for earlier in reports:
        effects = earlier.results.get("effects")
        if not effects:
            continue
        first = effects[0]
        if earlier.results.get("are_conditions_coded") and not blinding.is_blinded(study):
            first = _decoded(study, effects)
        look = {
            "at": earlier.created_at.isoformat(timespec="seconds"),
            "participants": earlier.results["counts"]["participants"]["analysed"],
            "standard_error": first["standard_error"],
            "p": first["p_adjusted"],
            "is_closed": earlier.results.get("is_closed", False),
        }
        seen = {(one["participants"], one["standard_error"]) for one in found}
        if (look["participants"], look["standard_error"]) not in seen:
            found.append(look)
    return found


def _decoded(study: Study, effects: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The first planned comparison in a report of coded conditions, which compared all pairs for want of roles."""
    document = study.document
    shown = [one for one in document["conditions"] if one.get("compare")] or document["conditions"]
    conditions = [Condition(one["name"], one["name"], one.get("role", "treatment")) for one in shown]
    analysis = document.get("analysis", {})
    given = [one.get("parameters", {}) for one in analysis.get("analyses", []) if one["name"] == analysis["primary"]]
    pairs, _ = pairs_to_compare(conditions, given[0].get("control", "") if given else "")
    known = blinding.every_code(study)
    by_pair = {frozenset(one["term"].split(" − ")): one for one in effects}
    family = [by_pair.get(frozenset(known[name] for name in pair)) for pair in pairs]
    if not family or family[0] is None:
        return effects[0]
    return {**family[0], "p_adjusted": holm([one["p"] if one else None for one in family])[0]}


REGISTERED = "attached a registration"
