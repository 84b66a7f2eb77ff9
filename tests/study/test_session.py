"""Storing answers: once, in order, scored on the server; and what a screen does not say."""

import json
import random
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from study.models import Participant, Report, Response, Study, Trial
from study.survey import answers, session
from study.survey.bots import guess
from study.trials import Screen
from tests.study import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return factories.running_study()


@pytest.fixture
def someone(study: Study) -> Participant:
    return factories.participant(study)


def send(participant: Participant, *answers: dict[str, Any], after: int = -1) -> Any:
    address = reverse("survey:responses", args=[participant.token])
    return Client().post(address, {"responses": list(answers), "after": after}, content_type="application/json")


def answer_to(trial: Trial, **changes: Any) -> dict[str, Any]:
    """Any answer that the screen of this trial takes."""
    screen = session.screen(trial, trial.participant.study)
    return {
        "position": trial.position,
        "attempt": trial.attempt,
        "client_id": str(uuid.uuid4()),
        "answer": {control.name: guess(control, random.Random(1)) for control in screen.controls},
        "response_ms": 1234.5,
        "quality": {"load_ms": 20.0, "frame_ms": 16.7, "viewport": [1280, 800, 2], "early_keys": 0},
        **changes,
    }


def all_trials(participant: Participant) -> list[Trial]:
    return list(participant.trials.order_by("position"))


def test_an_answer_is_stored_scored_and_followed_by_the_next_screen(someone: Participant) -> None:
    first, *_ = all_trials(someone)
    begun = send(someone).json()
    assert [screen["position"] for screen in begun["screens"]] == [0, 1, 2, 3]
    key = session.key_of(first, someone.study)["correct"]
    reply = send(someone, answer_to(first, answer={"class": key}), after=3).json()
    assert [one["position"] for one in reply["stored"]] == [0]
    assert [screen["position"] for screen in reply["screens"]] == [4]
    assert reply["due"] == 1
    stored = Response.objects.get()
    assert stored.columns["correct"] is True
    assert stored.response_ms == 1234.5
    assert stored.quality["viewport"] == [1280, 800, 2]


def test_the_same_answer_sent_again_is_acknowledged_and_not_stored_again(someone: Participant) -> None:
    answer = answer_to(all_trials(someone)[0])
    assert send(someone, answer).json()["stored"][0]["is_duplicate"] is False
    assert send(someone, answer).json()["stored"][0]["is_duplicate"] is True
    assert Response.objects.count() == 1


def test_of_two_tabs_the_first_answer_stays(someone: Participant) -> None:
    trial = all_trials(someone)[0]
    offered = [value for value, _ in session.screen(trial, someone.study).controls[0].values]
    send(someone, answer_to(trial, answer={"class": offered[0]}))
    other = send(someone, answer_to(trial, answer={"class": offered[1]}))
    assert other.status_code == 200
    assert other.json()["stored"][0]["is_duplicate"] is True
    assert Response.objects.get().answer == {"class": offered[0]}


def test_several_kept_answers_are_stored_in_one_request(someone: Participant) -> None:
    reply = send(someone, *(answer_to(trial) for trial in all_trials(someone)[:4]))
    assert [one["position"] for one in reply.json()["stored"]] == [0, 1, 2, 3]
    assert Response.objects.count() == 4


def test_an_answer_before_its_turn_is_refused_and_the_ones_before_it_stay(someone: Participant) -> None:
    trials = all_trials(someone)
    reply = send(someone, answer_to(trials[0]), answer_to(trials[2]))
    assert reply.status_code == 409
    assert reply.json()["refused"][0]["problem"] == "This screen is not due yet: one before it has no answer."
    assert [one["position"] for one in reply.json()["stored"]] == [0]
    assert Response.objects.count() == 1


def test_a_screen_that_is_not_there_is_refused(someone: Participant) -> None:
    trial = all_trials(someone)[0]
    assert send(someone, answer_to(trial, position=500)).status_code == 404
    assert send(someone, answer_to(trial, attempt=2)).status_code == 404
    assert Response.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"answer": {"class": "a kettle of fish"}}, 422, "was not offered"),
        ({"answer": {}}, 422, "has no answer"),
        ({"answer": {"class": "goose", "extra": "1"}}, 422, "There is no control named extra"),
        ({"answer": "goose"}, 400, "should be an object"),
        ({"position": "first"}, 400, "whole numbers"),
        ({"position": -1}, 400, "whole numbers"),
        ({"client_id": "mine"}, 400, "UUID"),
        ({"response_ms": -5}, 400, "milliseconds"),
        ({"response_ms": "fast"}, 400, "milliseconds"),
        ({"quality": {"mood": 3}}, 400, "has no “mood”"),
        ({"quality": {"frame_ms": "long"}}, 400, "cannot be 'long'"),
        ({"key": "goose"}, 400, "An answer has no “key”"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    someone: Participant, changes: dict[str, Any], status: int, words: str
) -> None:
    reply = send(someone, answer_to(all_trials(someone)[0], **changes))
    assert reply.status_code == status
    assert words in json.dumps(reply.json(), ensure_ascii=False)
    assert Response.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"responses": 1}', 400), (b"[" * 100_000, 400), (b" " * 200_000, 413)],
)
def test_a_request_that_is_no_list_of_answers_is_refused(someone: Participant, body: bytes, status: int) -> None:
    address = reverse("survey:responses", args=[someone.token])
    assert Client().post(address, body, content_type="application/json").status_code == status


@pytest.mark.parametrize("body", [b'{"responses": [], "after": NaN}', b'{"responses": [{"position": Infinity}]}'])
def test_numbers_that_json_does_not_have_are_refused(someone: Participant, body: bytes) -> None:
    address = reverse("survey:responses", args=[someone.token])
    reply = Client().post(address, body, content_type="application/json")
    assert reply.status_code == 400
    assert "not a JSON number" in reply.json()["problem"]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 400, "-1" + "0" * 400, "1" + "0" * 5000])
@pytest.mark.parametrize(
    "one",
    [
        '{"position": %s}',
        '{"response_ms": %s}',
        '{"answer": {"class": %s}}',
        '{"quality": {"load_ms": %s}}',
        '{"quality": {"viewport": [%s, 1, 1]}}',
    ],
)
def test_numbers_beyond_what_any_column_holds_are_refused_in_words(someone: Participant, number: str, one: str) -> None:
    address = reverse("survey:responses", args=[someone.token])
    body = f'{{"responses": [{one % number}]}}'
    reply = Client().post(address, body, content_type="application/json")
    assert (reply.status_code, reply.json()["problem"].endswith("too large")) == (400, True)


def test_characters_that_no_database_stores_are_replaced_and_the_answer_is_kept(someone: Participant) -> None:
    one = {"position": 0, "client_id": str(uuid.uuid4()), "answer": {"comment": "a\ud800b\0c \U0001f600"}}
    (given,), _ = answers.read(json.dumps({"responses": [one]}).encode())
    stored = Response.objects.create(trial=someone.trials.all()[0], answer=given.answer)
    stored.refresh_from_db()
    assert stored.answer == {"comment": "a\ufffdb\ufffdc \U0001f600"}


@pytest.mark.parametrize("body", ['{"responses": ["\\u0000"]}'.encode("utf-16"), b'{"responses": ["\xed\xa0\x80"]}'])
def test_a_body_that_is_not_utf_8_is_refused_before_such_characters_pass_unseen(body: bytes) -> None:
    with pytest.raises(answers.RefusalError, match="The request is not JSON: 'utf-8' codec"):
        answers.read(body)


def test_a_client_id_used_for_another_answer_is_refused(someone: Participant) -> None:
    first, second, *_ = all_trials(someone)
    answer = answer_to(first)
    send(someone, answer)
    assert send(someone, answer_to(second, client_id=answer["client_id"])).status_code == 409
    assert Response.objects.count() == 1


def test_a_participant_reaches_no_trial_of_another(study: Study) -> None:
    one, other = factories.participant(study), factories.participant(study)
    send(one, answer_to(all_trials(one)[0]))
    assert not Response.objects.filter(trial__participant=other).exists()
    assert Client().post("/take/no-such-token/responses/", b"{}", content_type="application/json").status_code in (
        400,
        404,
    )


def test_the_participation_is_completed_by_the_last_answer_and_not_before(someone: Participant) -> None:
    trials = all_trials(someone)
    Report.objects.create(study=someone.study, results={}, html="")
    for trial in trials[:-1]:
        assert send(someone, answer_to(trial)).json()["state"] == "started"
    thanks = reverse("survey:thanks", args=[someone.token])
    assert Client().get(thanks).status_code == 302
    assert send(someone, answer_to(trials[-1])).json()["state"] == "completed"
    someone.refresh_from_db()
    assert someone.state == "completed"
    assert someone.completed_at is not None
    assert Report.objects.get().outdated_at is not None
    assert someone.withdrawal_code in Client().get(thanks).content.decode()


def test_an_answer_whose_acknowledgement_was_lost_is_acknowledged_after_completion(someone: Participant) -> None:
    answers = [answer_to(trial) for trial in all_trials(someone)]
    for answer in answers:
        send(someone, answer)
    again = send(someone, answers[-1])
    assert again.status_code == 200
    assert again.json()["state"] == "completed"
    assert again.json()["stored"][0]["is_duplicate"] is True


def test_practice_tells_whether_the_stored_answer_is_right_and_again_when_asked_again(someone: Participant) -> None:
    trial = all_trials(someone)[0]
    assert trial.phase == "practice"
    right = session.key_of(trial, someone.study)["correct"]
    wrong = next(v for v, _ in session.screen(trial, someone.study).controls[0].values if v != right)
    answer = answer_to(trial, answer={"class": wrong})
    assert send(someone, answer).json()["stored"][0]["feedback"] == {"is_correct": False, "answer": right}
    assert send(someone, answer).json()["stored"][0]["feedback"] == {"is_correct": False, "answer": right}


def test_feedback_is_in_the_participants_language(study: Study) -> None:
    someone = factories.participant(study, language="de")
    trial = all_trials(someone)[0]
    right = session.key_of(trial, study)["correct"]
    reply = send(someone, answer_to(trial, answer={"class": right})).json()
    assert reply["stored"][0]["feedback"]["answer"] == dict(zip(factories.LABELS, factories.GERMAN, strict=True))[right]


def test_main_trials_and_a_study_without_feedback_tell_nothing() -> None:
    study = factories.running_study(slug="silent", practice={"count": 1, "feedback": False})
    someone = factories.participant(study)
    replies = [send(someone, answer_to(trial)).json() for trial in all_trials(someone)]
    assert all(one["feedback"] is None for reply in replies for one in reply["stored"])


def test_catch_trials_look_like_all_others(someone: Participant) -> None:
    catch = next(trial for trial in all_trials(someone) if trial.phase == "catch")
    (screen,) = session.screens(someone, [catch])
    assert screen["phase"] == "main"
    assert "catch" not in json.dumps(screen)
    assert "catch" not in json.dumps(session.plan(someone))


def test_a_screen_names_no_stimulus_condition_task_or_trial_type(someone: Participant) -> None:
    for trial in all_trials(someone):
        (screen,) = session.screens(someone, [trial])
        assert set(screen) == {"position", "attempt", "phase", "feedback", "screen"}
        assert set(screen["screen"]) == set(vars(Screen("")))
        said = json.dumps(screen)
        assert f'"{trial.trial_type}"' not in said
        if trial.stimulus:
            assert trial.stimulus.name not in said
            condition = trial.stimulus.condition
            assert condition is None or condition.name not in said


def test_the_screens_order_of_alternatives_does_not_follow_the_key(study: Study) -> None:
    """Over many participants the right alternative stands at every place about as often."""
    places = [0, 0, 0, 0]
    for _ in range(40):
        someone = factories.participant(study)
        for trial in someone.trials.filter(trial_type="identify_class"):
            values = [value for value, _ in session.screen(trial, study).controls[0].values]
            places[values.index(session.key_of(trial, study)["correct"])] += 1
    expected = sum(places) / 4
    assert sum((place - expected) ** 2 / expected for place in places) < 20  # chi-squared, 3 df: p < .0002


def test_a_pause_is_offered_between_many_presentations() -> None:
    someone = factories.participant(factories.running_study(breaks={"every": 2}))
    plan = session.plan(someone)
    kinds = [one["kind"] for one in plan["breaks"]]
    assert kinds == ["practice", "main", "pause", "pause", "questionnaire"]
    assert plan["total"] == someone.trials.count()
    starts = [one["before"] for one in plan["breaks"] if one["kind"] == "pause"]
    stimuli = {trial.position: trial.stimulus_id for trial in all_trials(someone)}
    assert all(stimuli[before] != stimuli[before - 1] for before in starts)


def test_a_withdrawn_participation_takes_no_answers(someone: Participant) -> None:
    answer = answer_to(all_trials(someone)[0])
    Client().post(reverse("survey:withdraw", args=[someone.token]))
    assert send(someone, answer).status_code == 410


def test_being_seen_is_noted_when_the_last_time_is_a_while_ago(someone: Participant) -> None:
    trials = all_trials(someone)
    before = someone.last_seen_at
    send(someone, answer_to(trials[0]))
    someone.refresh_from_db()
    assert someone.last_seen_at == before
    Participant.objects.filter(pk=someone.pk).update(last_seen_at="2020-01-01T00:00:00Z")
    send(someone, answer_to(trials[1]))
    someone.refresh_from_db()
    assert someone.last_seen_at.year > 2020


def test_a_flood_of_requests_is_told_to_slow_down(monkeypatch: pytest.MonkeyPatch, someone: Participant) -> None:
    monkeypatch.setattr("study.survey.participation.REQUESTS_A_MINUTE", 5)
    monkeypatch.setattr("study.survey.participation.monotonic", lambda: 90.0)  # within one minute
    statuses = [send(someone).status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    assert send(factories.participant(someone.study)).status_code == 200
