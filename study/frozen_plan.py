"""What was frozen before the answers, and how often they were looked at since: what a report is held against."""

from typing import Any

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
        look = {
            "at": earlier.created_at.isoformat(timespec="seconds"),
            "participants": earlier.results["counts"]["participants"]["analysed"],
            "standard_error": effects[0]["standard_error"],
            "p": effects[0]["p_adjusted"],
            "is_closed": earlier.results.get("is_closed", False),
        }
        seen = {(one["participants"], one["standard_error"]) for one in found}
        if (look["participants"], look["standard_error"]) not in seen:
            found.append(look)
    return found


REGISTERED = "attached a registration"
