"""A participation, seen from the trials page: which screens come next, and storing what was answered, once.

Nothing that leaves this module for the browser names a stimulus, a condition, a trial type or a key: a screen is called
by its position.
"""

import functools
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from study import gates, trial_types, trials
from study.models import Participant, Report, Response, Stimulus, StimulusSlot, Study, Trial

from .answers import Given, RefusalError
from .conduct import conduct, gate_of, within_gate
from .rows import participant_of, unanswered

LOOK_AHEAD = 4  # screens that the page holds: enough to fetch their pictures ahead, few enough to reveal little
SEEN_SECONDS = 60.0  # a participant's last_seen_at is at most this old while answers arrive
# Catch and repeated trials look like all others, so the page is not told which they are.
SHOWN_PHASE = {Trial.Phase.CATCH: Trial.Phase.MAIN, Trial.Phase.REPEAT: Trial.Phase.MAIN}


@dataclass
class Stored:
    """One answer that is now, or was already, in the database."""

    position: int
    attempt: int
    is_duplicate: bool
    feedback: dict[str, Any] | None = None


@dataclass
class Refused:
    """One answer that was not stored, and why."""

    position: int
    attempt: int
    status: int
    problem: str


def enter(token: str) -> Participant:
    """The participant of ``token``, the row locked until the transaction ends; raises RefusalError in words."""
    participant = participant_of(token, lock=True)
    if participant is None:
        raise RefusalError(404, "There is no such participation.")
    if participant.state not in (Participant.State.STARTED, Participant.State.COMPLETED):
        raise RefusalError(410, "This participation has ended; it takes no more answers.")
    return participant


def finish(participant: Participant) -> bool:
    """Whether every trial has its response, counted in the database now; if so, the participation is completed."""
    if participant.state == Participant.State.STARTED and not unanswered(participant, 1):
        _note_progress(participant, is_last=True)
    return participant.state == Participant.State.COMPLETED


def next_screens(participant: Participant, limit: int = LOOK_AHEAD, after: int = -1) -> list[dict[str, Any]]:
    """The next unanswered screens as the page shows them, those behind position ``after`` only."""
    return screens(participant, unanswered(participant, limit), after)


def keys_of(token: str) -> dict[tuple[int, int], tuple[str, dict[str, Any], str]]:
    """(position, attempt) -> trial type, key and condition, for bots: nothing that a page may hold."""
    rows = Trial.objects.filter(participant__token=token)
    return {
        (row.position, row.attempt): (
            row.trial_type,
            key_of(row, row.participant.study),
            row.stimulus.condition.name if row.stimulus and row.stimulus.condition else "",
        )
        for row in rows.select_related("participant__study", "stimulus__condition")
    }


def standing(participant: Participant, upcoming: list[Trial], after: int = -1) -> dict[str, Any]:
    """Where the participation stands, as the page is told: its state, which screen is due, and the next screens."""
    return {
        "state": participant.state,
        "stored": [],
        "refused": [],
        "due": upcoming[0].position if upcoming else None,
        "screens": screens(participant, upcoming, after),
    }


def screens(participant: Participant, upcoming: list[Trial], after: int = -1) -> list[dict[str, Any]]:
    """What the page needs of each trial behind position ``after``."""
    shown = within_gate(participant, upcoming)
    if shown and shown[0].attempt > 1:
        after = -1  # screens that the page held before are asked again
    return [
        {
            "position": trial.position,
            "attempt": trial.attempt,
            "phase": SHOWN_PHASE.get(Trial.Phase(trial.phase), trial.phase),
            "feedback": _tells(participant, trial),
            "screen": screen(trial, participant.study).to_json(),
        }
        for trial in shown
        if trial.position > after
    ]


def screen(trial: Trial, study: Study) -> trials.Screen:
    """The trial type's screen of this presentation."""
    slots, _key = content(trial, study)
    shown = tuple(slot for task, slot in slots if task in ("", trial.task))
    return trial_types.load(trial.trial_type).present(trials.Stimulus(shown, trial.seed), **trial.options)


def content(trial: Trial, study: Study) -> tuple[tuple[tuple[str, trials.Slot], ...], dict[str, Any]]:
    """What the trial's stimulus holds: (task, slot) pairs, and task -> key."""
    if trial.stimulus_id is None:
        return (), {}
    frozen_at = study.frozen_at
    return _kept_content(trial.stimulus_id, frozen_at) if frozen_at else _read_content(trial.stimulus_id)


def _read_content(stimulus: int) -> tuple[tuple[tuple[str, trials.Slot], ...], dict[str, Any]]:
    rows = StimulusSlot.objects.filter(stimulus=stimulus).select_related("picture").order_by("position")
    slots = tuple((row.task, trials.Slot(row.role, row.picture.url if row.picture else "", row.text)) for row in rows)
    return slots, Stimulus.objects.values_list("key", flat=True).get(pk=stimulus)


@functools.lru_cache(maxsize=8192)
def _kept_content(stimulus: int, frozen_at: datetime) -> tuple[tuple[tuple[str, trials.Slot], ...], dict[str, Any]]:
    # A frozen study's stimuli never change, so each process reads them once.
    return _read_content(stimulus)


def plan(participant: Participant) -> dict[str, Any]:
    """How many screens there are, and before which ones a section begins or a pause is offered."""
    rows = participant.trials.order_by("position", "attempt").values_list("position", "phase", "stimulus")
    breaks: list[dict[str, Any]] = []
    every = conduct(participant).pause_every
    section, presentations, last_stimulus = "", 0, None
    total = 0
    for position, phase, stimulus in rows:
        total = position + 1
        shown = str(SHOWN_PHASE.get(Trial.Phase(phase), phase))
        if shown != section:
            section, presentations = shown, 0
            breaks.append({"before": position, "kind": shown})
        elif shown == Trial.Phase.MAIN and stimulus != last_stimulus:
            presentations += 1
            if every and presentations % every == 0:
                breaks.append({"before": position, "kind": "pause"})
        last_stimulus = stimulus
    return {"total": total, "breaks": breaks}


def store(participant: Participant, answers: list[Given]) -> tuple[list[Stored], list[Refused], list[Trial]]:
    """Store answers in their order, each trial's once; the caller holds the participant's row locked.

    Returns what is stored, what was refused with the reason, and the trials that come next. Raises IntegrityError
    where a client_id was used for another answer.
    """
    upcoming = unanswered(participant, LOOK_AHEAD + len(answers))
    stored: list[Stored] = []
    refused: list[Refused] = []
    for given in answers:
        try:
            if upcoming and (upcoming[0].position, upcoming[0].attempt) == (given.position, given.attempt):
                trial, is_duplicate = upcoming[0], False
                columns = _store_one(participant, trial, given)
                upcoming = _after(participant, upcoming, len(answers))
            else:
                trial, is_duplicate = _answered(participant, given), True
                columns = trial.response.columns
        except RefusalError as refusal:
            refused.append(Refused(given.position, given.attempt, refusal.status, str(refusal)))
            continue
        feedback = _feedback(participant, trial, columns)
        stored.append(Stored(given.position, given.attempt, is_duplicate, feedback))
    _note_progress(participant, is_last=not upcoming)
    return stored, refused, upcoming[:LOOK_AHEAD]


def _after(participant: Participant, upcoming: list[Trial], more: int) -> list[Trial]:
    """What comes after the first of these trials, which is answered now; a gate that it closes is settled."""
    answered, *rest = upcoming
    gate = gate_of(participant, answered)
    is_last = not rest or (rest[0].phase, rest[0].attempt) != (answered.phase, answered.attempt)
    if gate is None or not is_last or not gates.settle(participant, answered, gate):
        return rest
    return unanswered(participant, LOOK_AHEAD + more) if participant.state == Participant.State.STARTED else []


def _store_one(participant: Participant, trial: Trial, given: Given) -> dict[str, Any]:
    kind = trial_types.load(trial.trial_type)
    if given.is_timed_out:
        _check_late(trial, given)
    else:
        try:
            kind.check(screen(trial, participant.study), given.answer)
        except trials.AnswerError as error:
            raise RefusalError(422, str(error)) from error
    columns = kind.score(given.answer, key_of(trial, participant.study), trial.options)
    Response.objects.create(
        trial=trial,
        client_id=given.client_id,
        answer=given.answer,
        columns=columns,
        response_ms=given.response_ms,
        is_timed_out=given.is_timed_out,
        quality=given.quality,
    )
    return columns


def _check_late(trial: Trial, given: Given) -> None:
    """Nobody gets past a screen without an answer that has no time limit, or before it is over."""
    deadline = trial.options.get("deadline_ms", 0)
    if not 0 < deadline <= (given.response_ms or 0):
        words = f"The time is not over: it is {deadline} ms." if deadline else "This screen has no time limit."
        raise RefusalError(422, words)


def key_of(trial: Trial, study: Study) -> dict[str, Any]:
    """What the trial is scored by: its stimulus's key for this task, or what the question's options expect."""
    if trial.stimulus_id is not None:
        return dict(content(trial, study)[1].get(trial.task, {}))
    kind = trial_types.load(trial.trial_type)
    return dict(kind.compose(None, (), trial.options, random.Random(trial.seed)).key)


def _answered(participant: Participant, given: Given) -> Trial:
    """The trial that an answer names, answered earlier; raises RefusalError where it is not there or not yet due."""
    named = participant.trials.filter(position=given.position, attempt=given.attempt)
    trial = named.select_related("response").first()
    if trial is None:
        raise RefusalError(404, "There is no such screen in this participation.")
    if not hasattr(trial, "response"):
        raise RefusalError(409, "This screen is not due yet: one before it has no answer.")
    return trial


def _feedback(participant: Participant, trial: Trial, columns: dict[str, Any]) -> dict[str, Any] | None:
    """Where the study gives it: whether the stored answer is right, what would have been."""
    if columns.get("correct") is None or not _tells(participant, trial):
        return None
    offered = {value: label for control in screen(trial, participant.study).controls for value, label in control.values}
    right = str(columns.get("answer_key"))
    return {"is_correct": columns["correct"], "answer": offered.get(right, right)}


def _tells(participant: Participant, trial: Trial) -> bool:
    """Whether it is told if the answer is right: by the task in every phase, otherwise in practice and training."""
    return bool(trial.options.get("feedback")) or trial.phase in conduct(participant).feedback


def _note_progress(participant: Participant, *, is_last: bool) -> None:
    now = timezone.now()
    if is_last and participant.state == Participant.State.STARTED:
        participant.state, participant.completed_at, participant.last_seen_at = Participant.State.COMPLETED, now, now
        participant.save(update_fields=["state", "completed_at", "last_seen_at"])
        Report.objects.filter(study=participant.study_id, outdated_at=None).update(outdated_at=now)
    elif now - participant.last_seen_at > timedelta(seconds=SEEN_SECONDS):
        participant.last_seen_at = now
        participant.save(update_fields=["last_seen_at"])
