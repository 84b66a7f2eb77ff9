"""An arriving participant gets the least-filled arm's presentations, all in one transaction."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from . import session_plan
from .models import Arm, Participant, RecruiterIdentity, Recruitment, Study, new_participant_code, new_seed, new_token


class EnrolmentError(ValueError):
    """Nobody can be enrolled here now; the message says why."""


class StudyFullError(EnrolmentError):
    """Every arm has its quota of participants."""


class PlacesTakenError(StudyFullError):
    """Every arm is full, but not all have finished: a place becomes free where somebody leaves."""


class TakenPartError(EnrolmentError):
    """The same person has taken part in a study that this one is exclusive with."""


def enrol(
    source: Recruitment | Study,
    *,
    origin: str,
    language: str,
    consent_version: str,
    external_id: str = "",
    parameters: Mapping[str, Any] | None = None,
    browser: Mapping[str, Any] | None = None,
    token: str = "",
) -> Participant:
    """A new participant with an arm and all trials, or the one whom the recruiter's ``external_id`` already names.

    ``token`` is one that the server made for this visit: the same visit sent twice is one participation.
    Raises EnrolmentError in words where the study takes nobody, StudyFullError where each arm has its quota,
    PlacesTakenError as long as some of these people are still at it.
    """
    recruitment = source if isinstance(source, Recruitment) else None
    study_id = recruitment.study_id if recruitment else source.pk
    with transaction.atomic():
        study = _locked(study_id)
        if recruitment and external_id and (known := _known(recruitment, external_id, origin)):
            return known
        if token and (again := Participant.objects.filter(study=study, token=token).first()):
            return again
        _check_open(study, recruitment, origin)
        if recruitment and took_part_elsewhere(study, recruitment, external_id):
            raise TakenPartError(f"This person has taken part in a study that is exclusive with {study}.")
        arm = _least_filled(study, origin)
        now = timezone.now()
        languages = study.document["languages"]
        participant = Participant.objects.create(
            study=study,
            arm=arm,
            recruitment=recruitment,
            code=new_participant_code(study),
            token=token or new_token(),
            origin=origin,
            language=language if language in languages else languages[0],
            seed=new_seed(),
            consent_version=consent_version,
            consented_at=now if consent_version else None,
            started_at=now,
            last_seen_at=now,
            browser=dict(browser or {}),
        )
        if recruitment and external_id:
            RecruiterIdentity.objects.create(
                participant=participant,
                recruitment=recruitment,
                external_id=external_id,
                parameters=dict(parameters or {}),
            )
        session_plan.save(session_plan.trials_of(participant))
    return participant


def _locked(study_id: int) -> Study:
    """The study; one arrival at a time: SQLite by its immediate transactions, PostgreSQL by locks of rows.

    Exclusive studies are locked together, always in the same order: nobody enters two of them at once.
    """
    name = Study.objects.values_list("document__exclusive", flat=True).get(pk=study_id)
    locked = Study.objects.select_for_update(no_key=True).defer("frozen").order_by("pk")
    together = Q(pk=study_id) | Q(document__exclusive=name) if name else Q(pk=study_id)
    return next(study for study in list(locked.filter(together)) if study.pk == study_id)


def took_part_elsewhere(study: Study, recruitment: Recruitment, external_id: str) -> bool:
    """Whether whom the recruiter calls so has entered a study of the same ``exclusive`` name by another link."""
    name = study.document.get("exclusive", "")
    if not name or not external_id:
        return False
    same = RecruiterIdentity.objects.filter(
        external_id=external_id,
        recruitment__identity_parameter=recruitment.identity_parameter,  # ids of another kind are other people's
        recruitment__study__document__exclusive=name,
    )
    return same.exists()


def _known(recruitment: Recruitment, external_id: str, origin: str) -> Participant | None:
    identity = (
        RecruiterIdentity.objects.select_related("participant__study", "participant__arm")
        .filter(recruitment=recruitment, external_id=external_id)
        .first()
    )
    if identity and identity.participant.origin != origin:
        raise EnrolmentError(f"This recruiter's id belongs to a {identity.participant.origin} participant.")
    return identity.participant if identity else None


def _check_open(study: Study, recruitment: Recruitment | None, origin: str) -> None:
    allowed = [Study.State.RUNNING]
    if origin == Participant.Origin.PREVIEW:
        allowed += [Study.State.READY, Study.State.PAUSED, Study.State.CLOSED]
    if study.state not in allowed:
        raise EnrolmentError(f"{study} is {study.state}: it takes no {origin} participants.")
    if recruitment and not recruitment.is_open and origin == Participant.Origin.PERSON:
        raise EnrolmentError(f"The recruitment “{recruitment.name}” of {study} is closed.")


def quota_of(study: Study, origin: str) -> int:
    """How many participants of an origin each arm takes; 0 is any number."""
    return 0 if origin == Participant.Origin.PREVIEW else int(study.document.get("design", {}).get("quota", 0))


def open_arms(study: Study, origin: str) -> tuple[list[Arm], dict[int, int]]:
    """The arms that are not full, and how many each holds; raises StudyFullError, or EnrolmentError without arms."""
    counting = Participant.objects.filter(study=study, origin=origin).counting()
    filled = dict(counting.values_list("arm").annotate(Count("pk")))
    # All permutations of conditions make hundreds of arms: only the one that is taken is read whole.
    arms = list(Arm.objects.filter(study=study).defer("presentations"))
    quota = quota_of(study, origin)
    those = [arm for arm in arms if not quota or filled.get(arm.pk, 0) < quota]
    if not arms:
        raise EnrolmentError(f"{study} has no arms yet: its preparation is not finished.")
    if not those:
        is_over = not counting.filter(state=Participant.State.STARTED).exists()
        error = StudyFullError if is_over else PlacesTakenError
        raise error(f"{study} has all {quota} participants of each of its {len(arms)} arms.")
    return those, filled


def _least_filled(study: Study, origin: str) -> Arm:
    """An arm with the fewest completed and fresh participants of the same origin; ties are broken at random."""
    arms, filled = open_arms(study, origin)
    fewest = min(filled.get(arm.pk, 0) for arm in arms)
    return secrets.choice([arm for arm in arms if filled.get(arm.pk, 0) == fewest])
