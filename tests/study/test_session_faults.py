"""What goes wrong between the page and the database: a full disk, requests doubled and reordered, clocks that jump."""

import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from study import enrolment
from study.models import Participant, Report, Response, Study
from study.survey import participation
from study.survey.bots import Page
from tests.study import factories
from tests.study.test_session import all_trials, answer_to, send


@pytest.fixture
def study() -> Study:
    return factories.running_study()


@pytest.fixture
def someone(study: Study) -> Participant:
    return factories.participant(study)


def acknowledged(reply: Any) -> set[int]:
    return {one["position"] for one in reply.json().get("stored", [])}


def fill(study: Study, letters: int) -> None:
    """Store reports of this length until nothing takes another one."""
    while True:
        Report.objects.create(study=study, results={}, html="x" * letters)


# Not in a transaction around the test: SQLite rolls back the outermost one when the disk is full.
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_acknowledges_nothing_and_the_same_answer_is_stored_once_when_there_is_room() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("The number of pages is limited by SQLite.")
    someone = factories.participant(factories.running_study())
    answers = [answer_to(trial) for trial in all_trials(someone)]
    with connection.cursor() as cursor:
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    try:
        for letters in (50_000, 1):  # what is left in pages that are there already
            with pytest.raises(OperationalError, match="full"):
                fill(someone.study, letters)
        replies = [send(someone, answer, after=-1) for answer in answers]
        assert replies[-1].status_code == 503
        assert "tries again" in replies[-1].json()["problem"]
        assert int(replies[-1].headers["Retry-After"]) > 0
        told = {position for reply in replies for position in acknowledged(reply)}
        assert told == set(Response.objects.values_list("trial__position", flat=True))
        assert len(told) < len(answers)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")
    for answer in answers:
        assert send(someone, answer).status_code == 200
    assert sorted(Response.objects.values_list("trial__position", flat=True)) == list(range(len(answers)))
    assert {str(one) for one in Response.objects.values_list("client_id", flat=True)} == {
        one["client_id"] for one in answers
    }
    someone.refresh_from_db()
    assert someone.state == "completed"


@pytest.mark.django_db
def test_a_database_that_is_away_is_answered_with_words_and_asked_again_later(
    monkeypatch: pytest.MonkeyPatch, someone: Participant, caplog: pytest.LogCaptureFixture
) -> None:
    def away(token: str) -> Participant:
        raise OperationalError("the connection is closed")

    with monkeypatch.context() as patched:
        patched.setattr("study.survey.session.enter", away)
        reply = send(someone, answer_to(all_trials(someone)[0]))
    assert reply.status_code == 503
    assert acknowledged(reply) == set()
    assert "could not be stored" in caplog.text
    assert "the connection is closed" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_requests_that_come_doubled_and_in_any_order_store_each_answer_once(someone: Participant, seed: int) -> None:
    """As a network may deliver them: overlapping batches of kept answers, repeated, reordered, replies lost."""
    rng = random.Random(seed)
    answers = [answer_to(trial) for trial in all_trials(someone)]
    told: set[int] = set()
    for _ in range(200):
        if len(told) == len(answers):
            break
        # Mostly what the page still keeps, sometimes what an old request brings once more.
        first = min(set(range(len(answers))) - told) if rng.random() < 0.7 else rng.randrange(len(answers))
        batch = answers[first : first + rng.randint(1, 4)]
        if rng.random() < 0.3:
            batch = rng.sample(batch, len(batch))
        reply = send(someone, *batch, after=rng.randint(-1, len(answers)))
        assert reply.status_code in (200, 409)
        if rng.random() < 0.7:  # else its reply is lost, and the page sends it again
            told |= acknowledged(reply)
    assert told == set(range(len(answers)))
    stored = dict(Response.objects.values_list("trial__position", "client_id"))
    assert {position: str(client_id) for position, client_id in stored.items()} == {
        answer["position"]: answer["client_id"] for answer in answers
    }
    assert Response.objects.count() == len(answers)


@pytest.mark.django_db
@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)])
def test_a_server_clock_that_jumps_loses_no_answer_and_no_place(
    monkeypatch: pytest.MonkeyPatch, someone: Participant, jump: timedelta
) -> None:
    trials = all_trials(someone)
    send(someone, answer_to(trials[0]))
    now = datetime.now(UTC) + jump
    monkeypatch.setattr(timezone, "now", lambda: now)
    for trial in trials[1:]:
        assert acknowledged(send(someone, answer_to(trial))) == {trial.position}
    someone.refresh_from_db()
    assert (someone.state, someone.completed_at) == ("completed", now)
    assert Response.objects.count() == len(trials)
    assert enrolment.enrol(factories.recruitment(someone.study), origin="person", language="en", consent_version="2")


@pytest.mark.django_db
def test_a_consent_page_from_before_the_clock_jumped_is_shown_again_and_nobody_is_enrolled_twice(
    monkeypatch: pytest.MonkeyPatch, client: Client, study: Study
) -> None:
    address = reverse("survey:join", args=[factories.recruitment(study).token])
    fields = {**Page(client.get(address).content.decode()).fields, "consent": "yes"}
    later = signing.time.time() + 90_000
    with monkeypatch.context() as jumped:
        jumped.setattr(signing.time, "time", lambda: later)
        again = client.post(address, fields)
        assert again.status_code == 400
        fresh = {**Page(again.content.decode()).fields, "consent": "yes"}
        assert not Participant.objects.exists()
    # Back again, the page is from the future, which does no harm.
    assert client.post(address, fresh).status_code == 303
    assert Participant.objects.count() == 1


@pytest.mark.django_db
def test_a_flood_is_forgotten_after_a_minute_even_where_the_clock_was_set_back(
    monkeypatch: pytest.MonkeyPatch, someone: Participant
) -> None:
    minutes = [10.0]
    monkeypatch.setattr(participation, "REQUESTS_A_MINUTE", 3)
    monkeypatch.setattr(participation, "monotonic", lambda: minutes[0] * 60)
    assert [send(someone).status_code for _ in range(5)] == [200] * 3 + [429] * 2
    page = Client().get(reverse("survey:instructions", args=[someone.token]), headers={"accept-language": "de"})
    assert page.status_code == 429
    assert "Bitte warten Sie eine Minute" in page.content.decode()
    hour_ago = time.time() - 3600
    monkeypatch.setattr("time.time", lambda: hour_ago)  # by which the cache forgets
    minutes[0] += 1
    assert send(someone).status_code == 200


@pytest.mark.django_db
def test_a_client_id_that_two_devices_drew_alike_costs_neither_its_answer(study: Study) -> None:
    one, other = factories.participant(study), factories.participant(study)
    first = answer_to(all_trials(one)[0])
    assert send(one, first).status_code == 200
    same = answer_to(all_trials(other)[0], client_id=first["client_id"])
    assert send(other, same).status_code == 409
    assert send(other, {**same, "client_id": str(uuid.uuid4())}).status_code == 200
    assert Response.objects.count() == 2
