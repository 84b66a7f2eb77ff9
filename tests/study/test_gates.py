"""Screening, quiz and practice decide who goes on; repeated attempts are new trials, never second responses."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from study import document, frames, participant_flow
from study.models import Participant, Report, Response, Study, Trial
from study.survey import session
from study.survey.bots import Page
from tests.study import factories
from tests.study.test_session import answer_to, send

pytestmark = pytest.mark.django_db


def question(name: str, expected: str = "yes") -> dict[str, Any]:
    choices = [["yes", {"en": "Yes", "de": "Ja"}], ["no", {"en": "No", "de": "Nein"}]]
    options = {"prompt": {"en": f"{name}?", "de": f"{name}?"}, "choices": choices, "expected": [expected]}
    return {"name": name, "trial_type": "question", "options": options}


QUIZ = {"pass": 2, "attempts": 2, "questions": [question("what"), question("how"), question("when")]}


def due(someone: Participant) -> Trial:
    return session.unanswered(Participant.objects.get(pk=someone.pk), 1)[0]


def give(someone: Participant, *answers: bool) -> Any:
    """Answer the trials that are due next, right or wrong; the last reply."""
    reply = None
    for is_right in answers:
        trial = due(someone)
        key = session.key_of(trial, someone.study)
        control = session.screen(trial, someone.study).controls[0]
        right = key.get("correct") or (key.get("expected") or [control.values[0][0]])[0]
        wrong = next(value for value, _ in control.values if value != right)
        reply = send(someone, answer_to(trial, answer={control.name: right if is_right else wrong}))
        assert reply.status_code == 200, reply.content
    return reply.json() if reply else None


def last_page(someone: Participant) -> str:
    return Client().get(reverse("survey:home", args=[someone.token]), follow=True).content.decode()


def test_who_passes_the_quiz_goes_on() -> None:
    someone = factories.participant(factories.running_study(quiz=QUIZ))
    reply = give(someone, True, False, True)
    assert reply["state"] == "started"
    assert (due(someone).phase, due(someone).attempt) == ("practice", 1)
    assert reply["screens"][0]["phase"] == "practice"


def test_who_fails_once_gets_the_same_questions_as_the_next_attempt() -> None:
    someone = factories.participant(factories.running_study(quiz=QUIZ))
    reply = give(someone, True, False, False)
    assert [(one["position"], one["attempt"]) for one in reply["screens"]] == [(0, 2), (1, 2), (2, 2)]
    assert Trial.objects.filter(participant=someone, phase="quiz").count() == 6
    assert Response.objects.count() == 3
    reply = give(someone, True, True, False)
    assert (reply["state"], due(someone).phase) == ("started", "practice")
    shown = set(Trial.objects.filter(phase="quiz").values_list("position", "attempt", "task"))
    assert {(position, task) for position, _, task in shown} == {(0, "what"), (1, "how"), (2, "when")}


def test_who_uses_up_the_attempts_gets_the_code_for_it_and_nothing_else_is_asked() -> None:
    study = factories.running_study(quiz=QUIZ)
    source = factories.recruitment(study, name="panel", codes={"failed_check": "CFAIL", "complete": "CDONE"})
    someone = factories.participant(study, source=source)
    Report.objects.create(study=study, results={}, html="")
    reply = give(someone, False, False, False, False, False, False)
    assert (reply["state"], reply["screens"], reply["due"]) == ("failed_check", [], None)
    page = last_page(someone)
    assert Page(page).texts["completion-code"] == "CFAIL"
    assert "CDONE" not in page
    assert send(someone).status_code == 410
    assert Report.objects.get().outdated_at is not None
    everything = frames.answers(study)[0]
    assert everything.participants.empty
    assert frames.answers(study)[2]["participants"]["failed_check"] == 1


def test_nothing_behind_a_gate_is_sent_before_it_is_passed() -> None:
    someone = factories.participant(factories.running_study(quiz=QUIZ))
    begun = send(someone).json()
    assert [one["phase"] for one in begun["screens"]] == ["quiz"] * 3
    assert [one["phase"] for one in give(someone, True, True)["screens"]] == ["quiz"]


def test_an_answer_that_ends_an_attempt_and_is_sent_again_makes_no_further_attempt() -> None:
    someone = factories.participant(factories.running_study(quiz=QUIZ))
    give(someone, False, False)
    last = answer_to(due(someone), answer={"answer": "no"})
    first, again = send(someone, last).json(), send(someone, last, after=2).json()
    assert (first["stored"][0]["is_duplicate"], again["stored"][0]["is_duplicate"]) == (False, True)
    assert [one["attempt"] for one in again["screens"]] == [2, 2, 2]
    assert Trial.objects.filter(phase="quiz").count() == 6


def test_answers_kept_over_the_end_of_an_attempt_are_refused_and_what_is_due_is_sent() -> None:
    someone = factories.participant(factories.running_study(quiz=QUIZ))
    trials = list(someone.trials.order_by("position")[:4])
    kept = [answer_to(trial, answer={"answer": "no"}) for trial in trials[:3]] + [answer_to(trials[3])]
    reply = send(someone, *kept)
    assert reply.status_code == 409
    assert [one["position"] for one in reply.json()["stored"]] == [0, 1, 2]
    assert (reply.json()["due"], due(someone).attempt) == (0, 2)


def test_practice_is_repeated_until_enough_is_right_and_attempts_are_counted() -> None:
    practice = {"count": 2, "at_least": 1.0}
    tasks = factories.DOCUMENT["tasks"][:1]
    study = factories.running_study(practice=practice, tasks=tasks)
    someone = factories.participant(study)
    for attempt in (1, 2, 3):
        assert due(someone).attempt == attempt
        give(someone, True, False)
    give(someone, True, True)
    assert due(someone).phase == "main"
    rows = frames.answers(study)
    attempts = list(someone.trials.filter(phase="practice").values_list("attempt", flat=True).order_by("attempt"))
    assert attempts == [1, 1, 2, 2, 3, 3, 4, 4]
    assert rows[2]["participants"]["not_completed"] == 1
    assert Response.objects.values("trial").distinct().count() == Response.objects.count() == 8


def test_practice_can_end_the_participation_too() -> None:
    study = factories.running_study(
        practice={"count": 2, "at_least": 0.5, "attempts": 1}, tasks=factories.DOCUMENT["tasks"][:1]
    )
    someone = factories.participant(study)
    assert give(someone, False, False)["state"] == "failed_check"


@pytest.mark.parametrize(("answers", "state"), [((True, True), "started"), ((False, True), "screened_out")])
def test_screening_tells_after_its_last_question_who_takes_part(answers: tuple[bool, ...], state: str) -> None:
    study = factories.running_study(screening=[question("adult"), question("sighted")])
    source = factories.recruitment(study, name="panel", codes={"screened_out": "COUT"})
    someone = factories.participant(study, source=source)
    assert give(someone, answers[0])["state"] == "started"
    assert give(someone, *answers[1:])["state"] == state
    if state == "screened_out":
        assert "This study is not for you" in last_page(someone)
        assert Page(last_page(someone)).texts["completion-code"] == "COUT"
        assert not Participant.objects.counting().exists()  # the place is free for somebody else


def test_a_studys_gates_are_told_in_the_flow_of_participants() -> None:
    assert set(dict(participant_flow.UNFINISHED)) >= {"screened_out", "failed_check"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"quiz": {"pass": 4, "questions": QUIZ["questions"]}}, "quiz.pass: = 4 should be at most 3"),
        ({"practice": {"at_least": 0.5}}, "practice.at_least: = 0.5 needs practice trials"),
        ({"practice": {"count": 1, "at_least": 1.5}}, "practice.at_least: = 1.5 should be at most 1."),
        ({"quiz": {"questions": [question("identify")]}}, "quiz.questions[1].name: = “identify” is a task's name too"),
        (
            {"screening": [factories.DOCUMENT["questionnaire"][0] | {"name": "c"}]},
            "screening[1].options: needs expected",
        ),
    ],
)
def test_gates_that_cannot_work_are_refused_in_words(changes: dict[str, Any], sentence: str) -> None:
    assert [problem for problem in document.validate(factories.document(**changes)) if problem.startswith(sentence)]


def test_the_page_is_told_of_no_feedback_in_the_quiz(client: Client) -> None:
    study: Study = factories.running_study(quiz=QUIZ)
    someone = factories.participant(study)
    assert give(someone, False)["stored"][0]["feedback"] is None
    told = {trial.phase: session.screens(someone, [trial])[0]["feedback"] for trial in someone.trials.all()}
    assert (told["quiz"], told["practice"], told["main"]) == (False, True, False)
