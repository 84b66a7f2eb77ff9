"""Withdrawal: what a person answered and who the person is go; a row stays that only counts."""

from django.db import transaction
from django.utils import timezone

from .models import Participant, RecruiterIdentity, Report


@transaction.atomic
def withdraw(participant: Participant) -> None:
    """Delete a participation's trials, responses and identity, and mark the study's reports outdated. Idempotent."""
    locked = Participant.objects.select_for_update().get(pk=participant.pk)
    if locked.state in (Participant.State.WITHDRAWN, Participant.State.ERASED):
        return
    locked.trials.all().delete()
    RecruiterIdentity.objects.filter(participant=locked).delete()
    locked.state, locked.browser = Participant.State.WITHDRAWN, {}
    locked.save(update_fields=["state", "browser"])
    Report.objects.filter(study=locked.study_id, outdated_at=None).update(outdated_at=timezone.now())
