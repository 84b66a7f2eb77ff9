"""Launch, which freezes and hashes a study with all that it shows; then pause, resume and close it."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from attribution import plugins, rendering

from . import safeguards
from .models import Study

MOVES = {  # action -> the states it is allowed in, the state it leads to
    "pause": ([Study.State.RUNNING], Study.State.PAUSED),
    "resume": ([Study.State.PAUSED], Study.State.RUNNING),
    "close": ([Study.State.RUNNING, Study.State.PAUSED], Study.State.CLOSED),
}


class StateError(ValueError):
    """The study is not in a state in which this can be done; the message says in which it is."""


def launch(study: Study, user: User | None = None) -> None:
    """Freeze and hash the document with all that is shown, and let participants in. Raises StateError in words."""
    with transaction.atomic():
        row = locked(study)
        if row.state != Study.State.READY:
            why = f": {row.problem}" if row.problem else "."
            raise StateError(f"{row} is {row.state}; only a study that is ready can be launched{why}")
        row.freeze(frozen(row))
        row.state = Study.State.RUNNING
        row.save(update_fields=["state", "frozen", "frozen_at", "hash"])
        row.note("launched the study", user, hash=row.hash)
    study.refresh_from_db()


def frozen(study: Study) -> dict[str, Any]:
    """All that participants' answers depend on, as plain data; pictures by their content, not their addresses."""
    stimuli = study.stimulus_set.prefetch_related("slots__picture").order_by("name")
    return {
        "slug": study.slug,
        "version": study.version,
        "document": study.document,
        "rules": _rules(study.document),
        "conditions": {one.name: one.specification for one in study.condition_set.all()},
        "items": {
            one.name: {"truth": one.truth, "strata": one.strata, "image": one.image.content_hash if one.image else None}
            for one in study.item_set.select_related("image").order_by("name")
        },
        "stimuli": {
            one.name: {
                "key": one.key,
                "is_practice": one.is_practice,
                "is_catch": one.is_catch,
                "is_training": one.is_training,
                "slots": [
                    [slot.role, slot.task, slot.text, slot.picture.content_key if slot.picture else None]
                    for slot in one.slots.all()
                ],
            }
            for one in stimuli
        },
        "arms": {one.name: one.presentations for one in study.arm_set.all()},
        "rendering_version": rendering.VERSION,
    }


def _rules(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the design and the trial types do, as their files say it now: how distractors are drawn, above all."""

    def rule(folder: str, name: str) -> dict[str, Any]:
        described = plugins.describe(folder, name)
        return {"plugin": name, "version": described.version, "rule": f"{described.title}. {described.source}".strip()}

    tasks = (*document["tasks"], *document.get("training", {}).get("tasks", ()))
    return {
        "design": rule("study.designs", document["design"]["name"]),
        "tasks": {task["name"]: rule("study.trials", task["trial_type"]) for task in tasks},
    }


def warnings(study: Study) -> list[str]:
    """What the study's design lets slip, as far as is known: its items tell more once they are prepared."""
    items = [
        {**({"class": item.truth["class"]} if "class" in item.truth else {}), **item.strata}
        for item in study.item_set.order_by("name")
    ]
    return [*safeguards.warnings(study.document), *safeguards.item_warnings(study.document, items)]


def pause(study: Study, user: User | None = None) -> None:
    """Let nobody new in; those who are at it go on."""
    _move(study, user, "pause")


def resume(study: Study, user: User | None = None) -> None:
    """Let participants in again."""
    _move(study, user, "resume")


def close(study: Study, user: User | None = None) -> None:
    """End the study for good."""
    _move(study, user, "close")


def _move(study: Study, user: User | None, action: str) -> None:
    allowed, after = MOVES[action]
    with transaction.atomic():
        row = locked(study)
        if row.state not in allowed:
            raise StateError(f"{row} is {row.state}; to {action} it, it should be {' or '.join(allowed)}.")
        row.state = after
        row.save(update_fields=["state"])
        row.note(f"{action}d the study", user)
    study.refresh_from_db()


def locked(study: Study) -> Study:
    return Study.objects.select_for_update(no_key=True).get(pk=study.pk)
