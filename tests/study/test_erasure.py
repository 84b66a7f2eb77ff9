"""Erasure: nothing of what somebody answered stays, nor who it was; the row that stays only counts."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core import serializers
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from study import document, frames, models, report_texts, tasks
from study.models import AuditEntry, Participant, RecruiterIdentity, Recruitment, Report, Response, Study, Trial
from tests.study import factories
from tests.study.test_session import answer_to, send

pytestmark = pytest.mark.django_db
SECRETS = ("a-prolific-id", "a-session-id", "What I think is nobody's business.", "Firefox")


@pytest.fixture
def panel() -> Recruitment:
    return factories.recruitment(factories.running_study(), name="panel", identity_parameter="ID")


def answered(source: Recruitment, external_id: str = SECRETS[0]) -> Participant:
    """Somebody who has completed the study and written something at its end."""
    someone = factories.participant(
        source.study,
        source=source,
        external_id=external_id,
        parameters={"SESSION_ID": SECRETS[1]},
        browser={"family": SECRETS[3]},
    )
    for trial in someone.trials.order_by("position"):
        words = {"answer": SECRETS[2]} if trial.task == "comment" else answer_to(trial)["answer"]
        assert send(someone, answer_to(trial, answer=words)).status_code == 200
    someone.refresh_from_db()
    return someone


def erase(*arguments: str) -> str:
    out = StringIO()
    call_command("erase", *arguments, stdout=out)
    return out.getvalue()


def everything_stored() -> str:
    kinds = [kind for kind in vars(models).values() if isinstance(kind, type) and issubclass(kind, models.models.Model)]
    rows = [row for kind in kinds if not kind._meta.abstract for row in kind._default_manager.all()]  # type: ignore[attr-defined]
    return json.dumps(json.loads(serializers.serialize("json", rows)), ensure_ascii=False)


def test_erasing_removes_content_and_identity_and_leaves_a_row_that_only_counts(panel: Recruitment) -> None:
    other, someone = answered(panel, "another"), answered(panel)
    Report.objects.create(study=panel.study, results={}, html="")
    told = erase(panel.study.slug, "--participant", someone.code)
    assert "14 answers and the recruiter's id" in told
    assert "Reports that are outdated by it: 1" in told
    Trial.objects.filter(participant=other).delete()  # who answers, and writes, the same
    other.delete()
    stored = everything_stored()
    for secret in (*SECRETS, someone.code, someone.token, someone.withdrawal_code, str(someone.seed)):
        assert secret not in stored
    left = Participant.objects.get()
    assert (left.pk, left.state, left.arm, left.origin) == (someone.pk, "erased", someone.arm, "person")
    assert frames.answers(panel.study)[2]["participants"]["erased"] == 1
    assert not Response.objects.exists()
    entry = AuditEntry.objects.get(action="erased a participant")
    assert entry.detail == {"left": left.code, "responses": 14, "recruiter_id": True}
    assert Report.objects.get().outdated_at is not None
    assert Client().get(f"/take/{someone.token}/").status_code == 404


def test_somebody_is_erased_by_what_the_recruiter_says_and_others_stay(panel: Recruitment) -> None:
    other, someone = answered(panel, "another"), answered(panel)
    erase(panel.study.slug, "--recruiter-id", SECRETS[0])
    assert set(Response.objects.values_list("trial__participant", flat=True)) == {other.pk}
    assert RecruiterIdentity.objects.get().external_id == "another"
    assert Participant.objects.get(pk=someone.pk).state == "erased"


def test_who_withdrew_can_be_erased_too(panel: Recruitment) -> None:
    someone = answered(panel)
    Client().post(f"/take/{someone.token}/withdraw/")
    assert "0 answers." in erase(panel.study.slug, "--participant", someone.code)


def test_nobody_to_erase_is_said_in_words(panel: Recruitment) -> None:
    with pytest.raises(CommandError, match=r"Nobody in “sense-of-geese” has the code “PXXXXX”\. A code stands in"):
        erase(panel.study.slug, "--participant", "PXXXXX")
    with pytest.raises(CommandError, match="There is no study “nothing”"):
        erase("nothing", "--participant", "P")
    someone = answered(panel)
    erase(panel.study.slug, "--participant", someone.code)
    left = Participant.objects.get().code
    with pytest.raises(CommandError, match="nothing left to remove"):
        erase(panel.study.slug, "--participant", left)
    with pytest.raises(CommandError, match="without a date"):
        erase(panel.study.slug, "--expired")


@pytest.mark.parametrize(("days", "is_erased"), [(-1, True), (0, False), (30, False)])
def test_recruiters_ids_are_erased_after_their_date_and_answers_stay(days: int, is_erased: bool) -> None:
    until = (timezone.now().date() + timedelta(days=days)).isoformat()
    study: Study = factories.running_study(identities_until=until)
    answered(factories.recruitment(study, name="panel", identity_parameter="ID"))
    keeper = factories.recruitment(factories.running_study(slug="keeper"), name="panel", identity_parameter="ID")
    factories.participant(keeper.study, source=keeper, external_id="kept")
    tasks.erase_expired_identities()
    assert RecruiterIdentity.objects.filter(recruitment__study=study).exists() is not is_erased
    assert RecruiterIdentity.objects.filter(external_id="kept").exists()
    assert Response.objects.count() == 14
    assert AuditEntry.objects.filter(action="erased recruiters' ids").exists() is is_erased
    assert "Recruiters' ids erased: 0." in erase(study.slug, "--expired")


def test_who_took_part_twice_stays_known_as_that_and_as_nothing_else() -> None:
    study: Study = factories.running_study(
        identities_until="2001-01-01", exclusions=[{"rule": "duplicate_identity", "parameters": {}}]
    )
    for name in ("first", "second"):
        answered(factories.recruitment(study, name=name, identity_parameter="ID"))
    answered(factories.recruitment(study, name="third", identity_parameter="ID"), "another")
    before = frames.answers(study)[2]["participants"]
    assert before["excluded_by"] == {"duplicate_identity": 1}
    assert "Recruiters' ids erased: 3." in erase(study.slug, "--expired")
    assert frames.answers(study)[2]["participants"] == before
    assert not any(name in everything_stored() for name in (*SECRETS[:2], '"another"'))
    assert "Recruiters' ids erased: 0." in erase(study.slug, "--expired")


@pytest.mark.parametrize("value", ["tomorrow", "2027-13-01", 20271231, "31.12.2027"])
def test_a_date_that_is_none_is_refused_in_words(value: object) -> None:
    found = document.validate(factories.document(identities_until=value))
    assert found == ['identities_until: should be a date in quotes, such as "2027-12-31".']


def test_withdrawing_later_by_the_code_of_the_last_page_is_told_by_the_next_report(panel: Recruitment) -> None:
    someone = answered(panel)
    answered(panel, "another")
    Report.objects.create(study=panel.study, results={}, html="")
    gone = Client().post("/withdraw/", {"code": someone.withdrawal_code})
    assert "Your answers are deleted" in gone.content.decode()
    assert Report.objects.get().outdated_at is not None
    flow = report_texts.flow(frames.answers(panel.study)[2], {})
    everybody = {name: numbers[0] for name, numbers in flow["rows"]}
    assert everybody == {"recruited": 2, "withdrew": 1, "analysed": 1}
