"""Signed invitations: the only way to a preview or simulated origin, which no URL of a person's making sets."""

from dataclasses import dataclass

from django.core import signing
from django.urls import reverse

from study.models import Participant, Recruitment, Study

SALT = "study.survey.invitation"
MAX_AGE_SECONDS = 7 * 86_400
ORIGINS = (Participant.Origin.PREVIEW, Participant.Origin.SIMULATED)


@dataclass(frozen=True)
class Entrance:
    """Where somebody comes in: a recruitment source, or an invitation that says whose answers these will be."""

    study: Study
    origin: Participant.Origin
    recruitment: Recruitment | None = None


def make(study: Study, origin: str) -> str:
    """The path of a link that makes preview or simulated participants of ``study``, valid for a week."""
    if origin not in ORIGINS:
        raise ValueError(f"An invitation is for {' or '.join(ORIGINS)} participants, not for “{origin}”.")
    token = signing.dumps([study.pk, str(origin)], salt=SALT)
    return reverse("survey:join", args=[token])


def entrance(token: str) -> Entrance | None:
    """What the token of a link opens; None where it opens nothing."""
    if ":" in token:  # every signed text holds one, no recruitment's token does
        return _invited(token)
    recruitment = Recruitment.objects.select_related("study").defer("study__frozen").filter(token=token).first()
    return Entrance(recruitment.study, Participant.Origin.PERSON, recruitment) if recruitment else None


def _invited(token: str) -> Entrance | None:
    try:
        study, origin = signing.loads(token, salt=SALT, max_age=MAX_AGE_SECONDS)
    except signing.BadSignature:
        return None
    found = Study.objects.defer("frozen").filter(pk=study).first()
    return Entrance(found, Participant.Origin(origin)) if found else None
