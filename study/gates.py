"""Gates of a session: screening, quiz and practice decide who goes on, tries again, or is done."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from . import session_plan
from .models import Participant, Report, Response, Trial

PHASES = (Trial.Phase.SCREENING, Trial.Phase.QUIZ, Trial.Phase.PRACTICE)


@dataclass(frozen=True)
class Gate:
    """``least`` is how many right answers let somebody through, or their share where it is at most 1 and ``is_share``;
    ``attempts`` = 0 is any number of them; ``outcome`` is the state of who used them up."""

    least: float
    attempts: int
    outcome: Participant.State
    is_share: bool = False

    def needed(self, judged: int) -> int:
        return math.ceil(self.least * judged - 1e-9) if self.is_share else int(self.least)


def gates_of(document: Mapping[str, Any]) -> dict[str, Gate]:
    """Phase -> gate, of those that the study has."""
    state = Participant.State
    screening, quiz, practice = (document.get(name) or {} for name in ("screening", "quiz", "practice"))
    found: dict[str, Gate] = {}
    if screening:
        found[Trial.Phase.SCREENING] = Gate(len(screening), 1, state.SCREENED_OUT)
    if questions := quiz.get("questions"):
        found[Trial.Phase.QUIZ] = Gate(quiz["pass"] or len(questions), quiz["attempts"], state.FAILED_CHECK)
    if least := practice.get("at_least"):
        found[Trial.Phase.PRACTICE] = Gate(least, practice["attempts"], state.FAILED_CHECK, is_share=True)
    return found


def settle(participant: Participant, last: Trial, gate: Gate) -> bool:
    """What follows from an attempt whose ``last`` trial is answered now: whether the gate stays closed.

    Who may try again gets the same trials as the next attempt; the participation of who may not ends here. The caller
    holds the participant's row locked.
    """
    mine = {"participant": participant, "phase": last.phase, "attempt": last.attempt}
    columns = Response.objects.filter(**{f"trial__{name}": value for name, value in mine.items()})
    # What has a right answer counts, also where none was given.
    judged = [row for row in columns.values_list("columns", flat=True) if row.get("answer_key") is not None]
    if sum(row.get("correct") is True for row in judged) >= gate.needed(len(judged)):
        return False
    if gate.attempts and last.attempt >= gate.attempts:
        end(participant, gate.outcome)
        return True
    rng = random.Random(f"{last.seed}:{last.attempt}")
    Trial.objects.bulk_create(session_plan.next_attempt(list(Trial.objects.filter(**mine).order_by("position")), rng))
    return True


def end(participant: Participant, state: Participant.State) -> None:
    """End a participation before its last trial; what was answered stays."""
    now = timezone.now()
    participant.state, participant.last_seen_at = state, now
    participant.save(update_fields=["state", "last_seen_at"])
    Report.objects.filter(study=participant.study_id, outdated_at=None).update(outdated_at=now)
