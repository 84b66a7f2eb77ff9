"""What a study's page shows: conditions with examples, counts, links, preparation."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from attribution import plugins
from attribution.models import Picture, State, digest
from study import blinding, launching, preparation, report_pdf
from study.changes import document_changes
from study.models import Condition, Participant, Recruitment, ReportRequest, Study
from study.recruitment_sources import EMPTY, sources

EXAMPLES = 4
ORIGINS = {
    Participant.Origin.PERSON: "People",
    Participant.Origin.SIMULATED: "Simulated participants",
    Participant.Origin.PREVIEW: "Previews",
    Participant.Origin.IMPORTED: "Imported participants",
}
COUNTS = ("arrived", "completed", "answering", "left", "screened_out", "failed_check", "withdrawn")


@dataclass(frozen=True)
class Shown:
    """A condition, what it shows in words, and a few of its pictures."""

    label: str
    role: str
    control: str
    words: str
    pictures: list[Picture]


@dataclass
class Tally:
    """Those of one origin: a row of counts for each arm, and their sum."""

    origin: str
    title: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> dict[str, int]:
        return {name: sum(row[name] for row in self.rows) for name in COUNTS}


def completed(studies: Sequence[Study]) -> list[tuple[Study, dict[str, int]]]:
    """Each study with how many completed it, by their origin."""
    rows = Participant.objects.filter(study__in=studies, state=Participant.State.COMPLETED)
    counts = {
        (study, origin): count for study, origin, count in rows.values_list("study", "origin").annotate(Count("pk"))
    }
    origins = [origin.value for origin in Participant.Origin]
    return [(study, {origin: counts.get((study.pk, origin), 0) for origin in origins}) for study in studies]


def conditions(study: Study) -> list[Shown]:
    """The study's conditions in their order."""
    return [
        Shown(
            condition.name.replace("_", " "),
            condition.role.replace("_", " "),
            str(condition.specification.get("control", "")).replace("_", " "),
            _what_it_shows(condition.specification),
            _examples(condition),
        )
        for condition in study.condition_set.all()
    ]


def live(study: Study) -> dict[str, Any]:
    """What changes while one looks: preparation, participants, reports being written."""
    requests = ReportRequest.objects.filter(study=study).exclude(state=State.DONE).order_by("-pk")[:3]
    is_preparing = study.state == Study.State.PREPARING
    return {
        "progress": preparation.progress(study) if is_preparing else None,
        "tallies": tallies(study),
        "report_requests": requests,
        "reports": study.report_set.all(),
        "offers_pdf": report_pdf.is_offered(),
        "is_preparing": is_preparing,
        "is_blinded": blinding.is_blinded(study),
        "is_live": is_preparing or study.state == Study.State.RUNNING or any(each.is_unfinished for each in requests),
    }


def tallies(study: Study) -> list[Tally]:
    """Participants by origin and arm; people first, and each origin apart from the others."""
    found = {origin: Tally(origin, title) for origin, title in ORIGINS.items()}
    known = blinding.codes(study)
    for row in study.participant_set.tally():
        arm = known.get(row["arm__name"], row["arm__name"]) or "no arm"
        found[Participant.Origin(row["origin"])].rows.append({**row, "arm": arm})
    if known:  # in the order of the codes: that of the arms would give them away
        for tally in found.values():
            tally.rows.sort(key=lambda row: row["arm"])
    return [tally for tally in found.values() if tally.rows]


def recruitments(request: HttpRequest, study: Study) -> list[tuple[Recruitment, str]]:
    """Each source of participants with its whole link."""
    return [(source, _link(request, source)) for source in study.recruitment_set.order_by("pk")]


def frozen(study: Study) -> dict[str, Any]:
    """How much launching would freeze."""
    return {
        "stimuli": study.stimulus_set.count(),
        "pictures": Picture.objects.filter(stimulusslot__stimulus__study=study).distinct().count(),
        "arms": study.arm_set.all(),
        "conditions": study.condition_set.all(),
        "items": study.item_set.filter(is_training=False).count(),
        "hash": digest(launching.frozen(study)),
        "warnings": launching.warnings(study),
    }


def document(study: Study) -> dict[str, Any]:
    """The study document as readable text, and what it changes of the version before."""
    return {
        "text": json.dumps(study.document, indent=2, ensure_ascii=False),
        "changes": document_changes(study.previous.document, study.document) if study.previous else [],
    }


def _link(request: HttpRequest, source: Recruitment) -> str:
    address = request.build_absolute_uri(reverse("survey:join", args=[source.token]))
    parameter = source.identity_parameter
    preset = sources().get(source.source, EMPTY)
    if preset["link"] and parameter == preset["identity_parameter"]:
        address += f"?{preset['link']}"
    elif parameter:
        address += f"?{parameter}=…"
    return address


def _examples(condition: Condition) -> list[Picture]:
    shown = Q(stimulusslot__condition=condition) | Q(stimulusslot__stimulus__condition=condition)
    found = Picture.objects.filter(shown, state=State.DONE, stimulusslot__stimulus__is_practice=False)
    return list(found.distinct().order_by("pk")[:EXAMPLES])


def _what_it_shows(specification: dict[str, Any]) -> str:
    for kind, folder in (("method", "attribution.methods"), ("visualization", "attribution.visualizations")):
        if name := specification.get(kind):
            known = plugins.names(folder)
            return plugins.describe(folder, name).title if name in known else str(name)
    return "The photo itself"
