"""Other people's answers become a study like any other, in one transaction or not at all."""

import hashlib
from collections.abc import Mapping as Table
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import transaction

from attribution import plugins
from study import import_mapping, import_rows
from study.import_mapping import ImportRefusedError, Mapping
from study.import_rows import Imported

from .document_keys import SLUG
from .models import Arm, AuditEntry, Condition, Item, Participant, Response, Stimulus, Study, Trial

EVERYBODY = "all"  # the arm of a study whose condition varies within participants
CHUNK = 2000  # rows stored at a time
SCORED = ("response", "answer_key", "correct", "rating", "winner", "loser", "tie")


def import_responses(path: Path, mapping_path: Path, slug: str, *, user: str = "") -> Study:
    """The study ``slug`` made from the table at ``path``. Raises ``ImportRefusedError``; then nothing is imported."""
    if not SLUG.fullmatch(slug):
        raise ImportRefusedError([f"“{slug}” should be lower-case letters, digits, - and _, such as “published-2020”."])
    if Study.objects.filter(slug=slug).exists():
        raise ImportRefusedError([f"There is a study “{slug}” already; choose another --study."])
    mapping = import_mapping.read(mapping_path)
    found = import_rows.read(path, mapping)
    document = _document(slug, path, mapping_path, mapping, found)
    with transaction.atomic():
        study = Study.objects.create(slug=slug, document=document, state=Study.State.IMPORTED)
        _store(study, mapping, found)
        AuditEntry.objects.create(study=study, user=user, action="imported responses", detail=document["import"])
    return study


def _document(slug: str, path: Path, mapping_path: Path, mapping: Mapping, found: Imported) -> dict[str, Any]:
    conditions = _names(found.rows, "condition")
    analyses = mapping.analyses or [(name, {}) for name in allowed(mapping)]
    roles = _roles(mapping, conditions)
    return {
        "slug": slug,
        "title": {"en": mapping.title or slug},
        "question": {"en": mapping.question or f"What do the answers of “{mapping.title or slug}” say?"},
        "languages": ["en"],
        "conditions": [{"name": name, "role": roles.get(name, "treatment")} for name in conditions],
        "analysis": {
            "primary": analyses[0][0],
            "alpha": mapping.parameters.get("alpha", 0.05),
            "analyses": [{"name": name, "parameters": _parameters(name, mapping) | own} for name, own in analyses],
        },
        "exclusions": mapping.exclusions,
        "import": {
            "file": path.name,
            "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "mapping": mapping_path.read_text(encoding="utf-8-sig"),
            "flags": {name: count for name, count in sorted(found.flags.items()) if count},
            "columns": {
                name: [kind, "", f"the column “{mapping.named[name]}” of the imported table"]
                for name, kind in [*found.covariates.items(), *((name, "string") for name in _beside(mapping))]
            },
        },
    }


def _beside(mapping: Mapping) -> list[str]:
    """Ours that is kept beside a preference: which stood first, so that a rule can look for those who prefer a side."""
    return ["first"] if "choice" in mapping.columns else []


def _roles(mapping: Mapping, conditions: Sequence[str]) -> dict[str, str]:
    """Condition -> its role, of those that [report] names as controls."""
    keys = {"control": mapping.parameters.get("control", ""), "positive_control": mapping.positive_control}
    unknown = [(key, name) for key, name in keys.items() if name and name not in conditions]
    problems = [
        f"[report] {key}: there is no condition “{name}”; there are: {', '.join(conditions)}." for key, name in unknown
    ]
    if keys["control"] and keys["control"] == keys["positive_control"]:
        problems.append("[report] control and positive_control should be two conditions.")
    if problems:
        raise ImportRefusedError(problems)
    return {keys["control"]: "blind_control", keys["positive_control"]: "positive_control"}


def allowed(mapping: Mapping) -> list[str]:
    """The analyses that the columns allow, the main one first."""
    columns = set(mapping.columns)
    found = []
    if "correct" in columns or {"response", "answer_key"} <= columns:
        found.append("accuracy_by_condition")
    if "rating" in columns:
        found.append("rating_by_condition")
        found += ["rank_correlation"] if mapping.covariates else []
    if {"winner", "choice"} & columns:
        found.append("preference")
    return found or ["agreement"]  # of answers of which none is right


def _parameters(analysis: str, mapping: Mapping) -> dict[str, Any]:
    """What the mapping says of the report, for an analysis that has such a parameter."""
    declared = plugins.describe("study.analysis", analysis).parameters
    return {name: value for name, value in mapping.parameters.items() if name in declared}


def _names(rows: Sequence[Table[str, Any]], column: str) -> list[str]:
    """The different values of a column in the order in which they first appear."""
    return list(dict.fromkeys(row[column] for row in rows if row.get(column) is not None))


def _store(study: Study, mapping: Mapping, found: Imported) -> None:
    rows = sorted(found.rows, key=lambda row: row.get("position", 0))  # stable: in the table’s order without it
    conditions = {
        one.name: one
        for one in Condition.objects.bulk_create(
            Condition(study=study, name=block["name"], position=position, role=block["role"])
            for position, block in enumerate(study.document["conditions"])
        )
    }
    items = {
        one.name: one
        for one in Item.objects.bulk_create((Item(study=study, name=name) for name in _names(rows, "item")), CHUNK)
    }
    shown: dict[tuple[Any, Any], None] = dict.fromkeys((row.get("item"), row.get("condition")) for row in rows)
    made = Stimulus.objects.bulk_create(
        (
            Stimulus(
                study=study,
                name=" · ".join(part for part in (str(number), condition, item) if part),
                item=items.get(item),
                condition=conditions.get(condition),
            )
            for number, (item, condition) in enumerate(shown)
        ),
        CHUNK,
    )
    stimuli = dict(zip(shown, made, strict=True))
    people = _participants(study, rows, list(conditions) if conditions and not mapping.is_paired else [EVERYBODY])
    for start in range(0, len(rows), CHUNK):
        _trials(rows[start : start + CHUNK], people, stimuli, mapping)


def _participants(study: Study, rows: Sequence[Table[str, Any]], arms: Sequence[str]) -> dict[str, list[Any]]:
    """Name -> [participant, the next position]: each in the arm of its condition, or all in one."""
    made = Arm.objects.bulk_create(Arm(study=study, name=name, position=n) for n, name in enumerate(arms))
    by_name = {arm.name: arm for arm in made}
    first = {row["participant"]: row for row in reversed(rows)}
    people = Participant.objects.bulk_create(
        (
            Participant(
                study=study,
                code=name,
                arm=by_name.get(EVERYBODY) or by_name[first[name]["condition"]],
                origin=Participant.Origin.IMPORTED,
                state=Participant.State.COMPLETED,
            )
            for name in _names(rows, "participant")
        ),
        CHUNK,
    )
    return {one.code: [one, 0] for one in people}


def _trials(
    rows: Sequence[Table[str, Any]],
    people: dict[str, list[Any]],
    stimuli: Table[tuple[str | None, str | None], Stimulus],
    mapping: Mapping,
) -> None:
    trials, responses = [], []
    for row in rows:
        person = people[row["participant"]]
        trial_type = row.get("trial_type") or "imported"
        trial = Trial(
            participant=person[0],
            stimulus=stimuli[row.get("item"), row.get("condition")],
            task=trial_type,
            trial_type=trial_type,
            phase=row.get("phase") or Trial.Phase.MAIN,
            position=person[1],
            options={"chance": mapping.chance} if mapping.chance else {},
        )
        person[1] += 1
        columns = {name: row[name] for name in SCORED if row.get(name) is not None}
        if row.get("rating") is not None and mapping.scale:
            columns["scale_low"], columns["scale_high"] = mapping.scale
        columns |= {name: row[name] for name in (*mapping.covariates, *_beside(mapping)) if row[name] is not None}
        trials.append(trial)
        responses.append(
            Response(
                trial=trial,
                columns=columns,
                response_ms=row.get("response_ms"),
                is_timed_out=bool(row.get("is_timed_out")),
            )
        )
    Trial.objects.bulk_create(trials)
    Response.objects.bulk_create(responses)
