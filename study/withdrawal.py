"""Withdrawal and erasure: what somebody answered and who it is go; a row stays that only counts."""

from collections import Counter
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from .models import (
    Participant,
    RecruiterIdentity,
    Report,
    Response,
    Study,
    new_code,
    new_participant_code,
    new_token,
)

State = Participant.State
NOBODY = "erased:"  # begins what stands for the id of somebody who took part twice


class ErasureError(ValueError):
    """There is nobody to erase; the message says why, and what would be right."""


@dataclass(frozen=True)
class Erased:
    """What went: how many answers, whether a recruiter's id; what stays; how many reports are outdated by it."""

    study: Study
    responses: int
    had_identity: bool
    code: str
    reports: int


@transaction.atomic
def withdraw(participant: Participant) -> None:
    """Delete a participation's trials, responses and identity, and mark the study's reports outdated. Idempotent."""
    locked = Participant.objects.select_for_update().get(pk=participant.pk)
    if locked.state in (State.WITHDRAWN, State.ERASED):
        return
    _remove(locked)
    locked.state = State.WITHDRAWN
    locked.save(update_fields=["state", "browser"])


def found(slug: str, *, code: str = "", recruiter_id: str = "") -> Participant:
    """Who has this code, or is called this by a recruiter, in any version of a study; raises ErasureError in words."""
    people = Participant.objects.filter(study__slug=slug).select_related("study")
    named = people.filter(identity__external_id=recruiter_id) if recruiter_id else people.filter(code=code)
    those = list(named.order_by("pk")[:2])
    wanted = f"recruiter's id “{recruiter_id}”" if recruiter_id else f"code “{code}”"
    if not those:
        raise ErasureError(
            f"Nobody in “{slug}” has the {wanted}. A code stands in participants.csv, such as P7QK2M; who was erased "
            "has none any more, and who withdrew no recruiter's id."
        )
    if len(those) > 1:
        versions = " and ".join(str(one.study) for one in those)
        raise ErasureError(f"The {wanted} is in {versions}: name the one meant by its code and version.")
    return those[0]


@transaction.atomic
def erase(participant: Participant, user: User | None = None) -> Erased:
    """Remove all that a participation holds and all that names it, its code and its addresses too.

    What stays is a row with its arm, origin and state, which only counts.
    """
    locked = Participant.objects.select_for_update().select_related("study").get(pk=participant.pk)
    if locked.state == State.ERASED:
        raise ErasureError(f"{locked.code} is what stays of somebody who was erased: there is nothing left to remove.")
    study = locked.study
    responses = Response.objects.filter(trial__participant=locked).count()
    had_identity = RecruiterIdentity.objects.filter(participant=locked).exists()
    reports = _remove(locked)
    locked.state, locked.code = State.ERASED, new_participant_code(study)
    locked.token, locked.withdrawal_code, locked.seed = new_token(), new_code(), 0
    locked.language, locked.consent_version, locked.consented_at = study.document["languages"][0], "", None
    locked.started_at = locked.last_seen_at = timezone.now()  # when somebody was there can tell who it was
    locked.completed_at = None
    locked.save()
    # Without the code: the trail must not say what the row no longer does.
    study.note("erased a participant", user, left=locked.code, responses=responses, recruiter_id=had_identity)
    return Erased(study, responses, had_identity, locked.code, reports)


def _remove(participant: Participant) -> int:
    """Delete what it holds; how many reports that makes outdated."""
    participant.trials.all().delete()
    RecruiterIdentity.objects.filter(participant=participant).delete()
    participant.browser = {}
    reports = Report.objects.filter(study=participant.study_id, outdated_at=None)
    return reports.update(outdated_at=timezone.now())


def erase_expired_identities(slug: str = "") -> int:
    """Delete recruiters' ids of studies whose ``identities_until`` has passed; how many. The answers stay.

    That two participations are one person's stays known too, under a name that leads to nobody: without it the same
    answers would give another report.
    """
    today = timezone.now().date().isoformat()
    due = Study.objects.filter(document__identities_until__gt="", document__identities_until__lt=today)
    due = (due.filter(slug=slug) if slug else due).filter(recruitment__recruiteridentity__isnull=False).distinct()
    total = 0
    for study in due.defer("frozen"):
        with transaction.atomic():
            rows = RecruiterIdentity.objects.filter(participant__study=study).exclude(external_id__startswith=NOBODY)
            named = Counter(rows.values_list("external_id", flat=True))
            for external_id in [name for name, times in named.items() if times > 1]:
                nobody = f"{NOBODY}{new_token()}"
                rows.filter(external_id=external_id).update(external_id=nobody, parameters={})
            rows.delete()
            if count := named.total():
                study.note("erased recruiters' ids", count=count, until=study.document["identities_until"])
            total += count
    return total
