"""What every trial type takes besides its own options: confidence, what the network says, times, displays, feedback."""

import json
import random
import uuid
from typing import Any

import pytest

from attribution import plugins
from study import frames, trial_types, trials
from study.document import validate
from study.models import Participant, Response, Study
from study.survey import session
from study.survey.answers import Given
from study.survey.rows import unanswered
from tests.study import factories
from tests.study.test_session import all_trials, answer_to, send
from tests.study.test_trials import SURE, examples, presented
from tests.study.test_trials_prepared import CONDITIONS, of, running

every_type = pytest.mark.parametrize(("kind", "options"), examples())
TEXT = {"en": "Text"}
SAYS = {"en": "The network says {label} and is {percent} % sure."}


@every_type
def test_every_type_asks_how_sure_one_is_on_top_of_its_own_answer(kind: Any, options: dict[str, Any]) -> None:
    own, own_key = presented(kind, {**options, "confidence_prompt": ""}, 3)
    asked, key = presented(kind, {**options, **SURE, "confidence_points": 4}, 3)
    assert (asked.panels, asked.controls[:-1], key) == (own.panels, own.controls, own_key)
    assert [value for value, _ in asked.controls[-1].values] == ["1", "2", "3", "4"]
    answer = kind.bot(asked, key, 0.5, random.Random(1))
    kind.check(asked, answer)
    with pytest.raises(trials.AnswerError, match="confidence_prompt"):
        kind.check(asked, {**answer, "confidence": "5"})
    scored = kind.score(answer, key, options)
    without = kind.score({name: value for name, value in answer.items() if name != "confidence"}, key, options)
    assert scored == {**without, "confidence": int(answer["confidence"])}
    assert without["confidence"] is None


@every_type
def test_every_type_sends_its_times_to_the_page(kind: Any, options: dict[str, Any]) -> None:
    plain, _ = presented(kind, {**options, "minimum_ms": 0, "picture_ms": 0, "deadline_ms": 0}, 3)
    assert (plain.minimum_ms, plain.picture_ms, plain.deadline_ms) == (0, 0, 0)
    timed, _ = presented(kind, {**options, "minimum_ms": 300, "picture_ms": 700, "deadline_ms": 4000}, 3)
    assert (timed.minimum_ms, timed.picture_ms, timed.deadline_ms) == (300, 700, 4000)
    assert timed.controls == plain.controls


def test_a_bot_is_surer_where_it_knows() -> None:
    kind = trial_types.load("identify_class")
    options = plugins.complete("study.trials", "identify_class", {"prompt": "?", "alt": "A picture", **SURE})
    means = []
    for skill in (1.0, 0.0):
        rng, sure = random.Random(2), []
        for seed in range(200):
            screen, key = presented(kind, options, seed)
            sure.append(int(kind.bot(screen, key, skill, rng)["confidence"]))
        means.append(sum(sure) / len(sure))
    assert means[0] > means[1] + 0.5


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("rate", {"deadline_ms": 500, "minimum_ms": 500}, "deadline_ms = 500 should be more than minimum_ms = 500"),
        ("rate", {"picture_ms": -1}, "picture_ms = -1 should be from 0"),
        ("rate", {"display": "flicker"}, "should be one of: side_by_side, stacked, blink, slider"),
        ("rate", {"display": "blink"}, r'panels = \["photo", "explanation"\]'),
        ("tell_apart", {"display": "slider"}, "nothing to compare"),
        ("mark_region", {"display": "slider", "panels": ["photo", "explanation"]}, "hides the picture to mark on"),
        ("mark_region", {"picture_ms": 900}, "take away the picture to mark on"),
        ("rate", {"feedback": True}, "neither right nor wrong"),
        ("count_instances", {"feedback": True}, "neither right nor wrong"),
        ("rate", {"told": "The network knows."}, r"should hold \{label\} or \{percent\}"),
        ("identify_class", {"told": "It says {label}."}, "would give the answer away"),
        ("name_freely", {"told": "It says {label}."}, "would give the answer away"),
        ("simulate_forward", {"told": "It says {label}."}, "would give the answer away"),
        ("distinguish", {"told": "It says {label}."}, "would give the answer away"),
        ("rate", {"confidence_prompt": "Sure?", "confidence_low": ""}, "both ends of a scale need a label"),
    ],
)
def test_shared_options_that_do_not_fit_are_refused_in_words(name: str, given: dict[str, Any], words: str) -> None:
    declared = plugins.describe("study.trials", name).parameters
    texts = {option: "A text" for option, default in declared.items() if default == "" and option != "told"}
    with pytest.raises(trials.OptionError, match=words):
        trial_types.load(name).check_options(plugins.complete("study.trials", name, {**texts, **given}))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("rate", {"told": "{label} ({percent} %)"}),
        ("count_instances", {"told": "{label}"}),
        ("simulate_forward", {"told": "{percent} % sure"}),
        ("name_freely", {"feedback": True}),
        ("rate", {"display": "slider", "panels": ["photo", "explanation"], "picture_ms": 2000}),
        ("tell_apart", {"display": "stacked", "picture_ms": 2000, "feedback": True}),
    ],
)
def test_shared_options_that_fit_are_taken(name: str, given: dict[str, Any]) -> None:
    declared = plugins.describe("study.trials", name).parameters
    texts = {option: "A text" for option, default in declared.items() if default == "" and option != "told"}
    trial_types.load(name).check_options(plugins.complete("study.trials", name, {**texts, **given}))


def test_a_plug_in_may_not_have_an_option_of_its_own_that_every_type_has() -> None:
    for name in plugins.names("study.trials"):
        declared = plugins.describe("study.trials", name).parameters
        assert set(trials.SHARED) <= set(declared)
        assert {option: declared[option] for option in trials.SHARED} == trials.SHARED


def test_what_the_network_says_needs_a_photo_and_does_not_come_before_the_question() -> None:
    rate = {"name": "rate", "trial_type": "rate", "options": dict.fromkeys(("prompt", "alt"), TEXT)}
    rate["options"] |= {"low_label": TEXT, "high_label": TEXT, "told": SAYS}  # type: ignore[operator]
    classes = factories.document(languages=["en"], tasks=[rate], practice={}, catch={})
    problems = [one for one in validate(classes) if ".told" in one]
    assert problems == [
        "tasks[1].options.told: is what the network says of a photo; it needs items.images, and a task."
    ]
    images = of("rate", CONDITIONS[:1], told={"en": "{label}", "de": "{label}"})
    asks = of("identify_class", CONDITIONS[:1])["tasks"][0] | {"name": "which"}
    assert validate(images) == []
    images["tasks"].append(asks)
    assert "asks what “asked” before it has told" in validate(images)[0]


@pytest.mark.django_db
def test_the_label_and_the_score_that_are_told_are_the_networks_own() -> None:
    study = running(of("rate", CONDITIONS[:1], told={"en": "Says {label}, {percent} %.", "de": "Sagt {label}."}))
    someone = factories.participant(study)
    for trial in someone.trials.filter(phase="main"):
        measured = trial.stimulus.item.measurements  # type: ignore[union-attr]
        told = [panel.content for panel in session.screen(trial, study).panels if panel.kind == "text"]
        assert told == [f"Says {measured['predicted']}, {100 * measured['probability']:.0f} %."]


def study_with(**options: Any) -> tuple[Study, Participant]:
    document = factories.document()
    document["tasks"][0]["options"] |= options
    study = factories.running_study(slug="timed", tasks=document["tasks"])
    return study, factories.participant(study)


def late(trial: Any, **changes: Any) -> dict[str, Any]:
    return answer_to(trial, answer={}, response_ms=3000.0, is_timed_out=True, **changes)


@pytest.mark.django_db
def test_a_time_that_was_over_is_stored_as_such_and_neither_right_nor_wrong() -> None:
    _, someone = study_with(deadline_ms=3000)
    first, second = all_trials(someone)[:2]
    reply = send(someone, late(first)).json()
    assert [one["position"] for one in reply["stored"]] == [0]
    row = Response.objects.get(trial=first)
    assert (row.is_timed_out, row.answer, row.columns["correct"], row.columns["answer_key"] is None) == (
        (True, {}, None, False)
    )
    assert send(someone, late(first)).json()["stored"][0]["is_duplicate"]
    assert second.task != first.task
    assert "no time limit" in send(someone, late(second)).json()["refused"][0]["problem"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"response_ms": 2999.0}, 422, "The time is not over: it is 3000 ms."),
        ({"response_ms": None}, 400, "“is_timed_out” is true or false"),
        ({"answer": {"class": "goose"}}, 400, "“is_timed_out” is true or false"),
        ({"is_timed_out": 1}, 400, "“is_timed_out” is true or false"),
        ({"is_timed_out": False}, 422, "has no answer"),
    ],
)
def test_nobody_gets_past_a_screen_by_saying_that_the_time_was_over(
    changes: dict[str, Any], status: int, words: str
) -> None:
    _, someone = study_with(deadline_ms=3000)
    reply = send(someone, {**late(all_trials(someone)[0]), **changes})
    assert reply.status_code == status
    assert words in json.dumps(reply.json(), ensure_ascii=False)
    assert not Response.objects.exists()


@pytest.mark.django_db
def test_feedback_of_a_task_comes_in_every_phase_and_only_there() -> None:
    study, someone = study_with(feedback=True)
    study.document["practice"]["feedback"] = False
    told: dict[str, set[bool]] = {}
    while someone.state == Participant.State.STARTED:
        trial = unanswered(someone, 1)[0]
        shown = session.screens(someone, [trial])[0]
        given = Given(trial.position, 1, uuid.uuid4(), answer_to(trial)["answer"], 900.0, {})
        stored, _, _ = session.store(someone, [given])
        told.setdefault(trial.task, set()).add(stored[0].feedback is not None)
        assert shown["feedback"] is (trial.task == "identify" or trial.phase == "practice")
    assert told["identify"] == {True}
    assert told["colours"] == {False}


@pytest.mark.django_db
def test_how_sure_and_what_was_late_are_columns_of_the_export() -> None:
    _, someone = study_with(deadline_ms=3000)
    for trial in all_trials(someone):
        send(someone, late(trial) if trial.task == "identify" else answer_to(trial))
    responses = frames.answers(someone.study)[0].responses
    assert "confidence" in responses
    assert set(responses[responses["task"] == "identify"]["is_timed_out"]) == {True}
    assert responses[responses["task"] == "rate"]["is_timed_out"].eq(False).all()
