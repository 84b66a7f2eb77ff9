"""Training: examples with maps before the trials without; and presentations shown once more."""

from collections import Counter
from typing import Any

import pytest

from attribution.models import Picture
from study import document, frames, preparation, session_plan
from study.analysis import Answers
from study.models import Item, Participant, Response, Stimulus, Study, Trial
from study.supplements.reliability import reliability
from study.survey import session
from tests.study import factories
from tests.study.test_gates import due
from tests.study.test_preparation import prepared
from tests.study.test_session import answer_to, send

pytestmark = pytest.mark.django_db
TEXT = {"en": "Text", "de": "Text"}
OPTIONS: dict[str, Any] = {
    "prompt": {"en": "Look at it.", "de": "Sehen Sie es an."},
    "alt": TEXT,
    "says": {"en": "The network says: {label}", "de": "Das Netz sagt: {label}"},
    "seen_label": {"en": "Seen", "de": "Gesehen"},
}
EXAMPLE = {"name": "learn", "trial_type": "example", "options": OPTIONS}
PREDICT = {"name": "predict", "trial_type": "simulate_forward", "options": {"prompt": TEXT, "alt": TEXT, "k": 2}}
CONDITIONS = [
    {"name": "gradient", "method": "gradient"},
    {"name": "none", "photo": True, "role": "blind_control"},
    {"name": "other", "method": "gradient", "control": "other_image", "role": "blind_control"},
]


def learning(**changes: Any) -> dict[str, Any]:
    base = {
        "conditions": CONDITIONS,
        "items": {"images": ["*"], "target": "predicted"},
        "tasks": [PREDICT],
        "training": {"count": 2, "images": ["*_1.png", "*_2.png", "*_3.png"], "tasks": [EXAMPLE]},
        "practice": {},
        "catch": {},
    }
    return factories.document(**{**base, **changes})


def running(given: dict[str, Any]) -> Study:
    study = prepared(given)
    assert study.problem == ""
    factories.compute(study)
    preparation.launch(study)
    return study


def arrive(study: Study, arm: str) -> Participant:
    while True:
        someone = factories.participant(study)
        if someone.arm is not None and someone.arm.name == arm:
            return someone


def plugins_of(trial: Trial) -> list[str]:
    """What a screen's pictures are made by."""
    panels = [panel for panel in session.screen(trial, trial.participant.study).panels if panel.kind == "picture"]
    rows = {picture.url: picture for picture in Picture.objects.all()}
    return [rows[panel.content].plugin for panel in panels]


def test_examples_come_with_the_maps_of_the_arm_and_the_trials_after_them_without() -> None:
    study = running(learning())
    for arm, shown in [("gradient", ["photo", "map"]), ("none", ["photo"]), ("other", ["photo", "map"])]:
        someone = arrive(study, arm)
        trials = list(someone.trials.exclude(phase="questionnaire").order_by("position"))
        assert [trial.phase for trial in trials[:3]] == ["training", "training", "main"]
        for trial in trials:
            assert plugins_of(trial) == (shown if trial.phase == "training" else ["photo"])
            if trial.stimulus and trial.phase == "training":
                assert trial.stimulus.condition == study.condition_set.get(name=arm)
        says = session.screen(trials[0], study).panels[-1].content
        assert says == f"The network says: {trials[0].stimulus.item.measurements['predicted']}"  # type: ignore[union-attr]


def test_no_training_item_is_ever_tested_and_no_analysis_sees_one() -> None:
    study = running(learning())
    learned = set(Item.objects.filter(study=study, is_training=True).values_list("name", flat=True))
    tested = set(Item.objects.filter(study=study, is_training=False).values_list("name", flat=True))
    assert len(learned) == 2
    assert not learned & tested
    named = {one["stimulus"] for arm in study.arm_set.all() for one in arm.presentations}
    assert not Stimulus.objects.filter(is_training=True, name__in=named).exists()
    assert set(frames.items(study)["item"]) == tested
    # The other photo of a control is another example's, not one that is judged.
    other = Stimulus.objects.get(is_training=True, condition__name="other", item__name=min(learned))
    image = other.slots.get(role="explanation").picture.saliency_map.image  # type: ignore[union-attr]
    assert image.name == max(learned)


def test_training_is_answered_like_all_else_and_told_as_its_own_phase() -> None:
    study = running(learning())
    someone = arrive(study, "gradient")
    for _ in range(someone.trials.count()):
        assert send(someone, answer_to(due(someone))).status_code in (200, 404)
        if Participant.objects.get(pk=someone.pk).state == "completed":
            break
    assert Participant.objects.get(pk=someone.pk).state == "completed"
    answers, _, _ = frames.answers(study)
    assert Counter(answers.responses["phase"])["training"] == 2
    assert set(answers.responses.loc[answers.responses["phase"] == "training", "response"]) <= set(factories.LABELS)


def test_each_block_of_a_blocked_design_begins_with_its_own_examples() -> None:
    study = running(learning(design={"name": "latin_square", "order": "blocked"}, conditions=CONDITIONS[:2]))
    trials = list(factories.participant(study).trials.order_by("position").select_related("stimulus__condition"))
    shown = [
        (trial.phase, trial.stimulus.condition.name)  # type: ignore[union-attr]
        for trial in trials
        if trial.phase in ("training", "main")
    ]
    blocks = [pair for number, pair in enumerate(shown) if number == 0 or shown[number - 1] != pair]
    assert [phase for phase, _ in blocks] == ["training", "main", "training", "main"]
    assert blocks[0][1] == blocks[1][1] != blocks[2][1] == blocks[3][1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"training": {"count": 2}}, "training.tasks: is empty"),
        ({"training": {"tasks": [EXAMPLE]}}, "training.count: = 0 shows none"),
        (
            {"training": {"count": 3, "tasks": [EXAMPLE]}},
            "tasks[1].options.k: = 2 should be training.count",
        ),
        (
            {
                "items": {"classes": factories.LABELS},
                "conditions": factories.DOCUMENT["conditions"],
                "tasks": factories.DOCUMENT["tasks"],
                "training": {"count": 1, "tasks": [{**EXAMPLE, "options": {**OPTIONS, "panels": ["explanation"]}}]},
            },
            "training: shows photos with their maps",
        ),
    ],
)
def test_training_that_cannot_work_is_refused_in_words(changes: dict[str, Any], sentence: str) -> None:
    found = document.validate(learning(**changes))
    assert [problem for problem in found if problem.startswith(sentence)], found


def test_sessions_of_training_come_before_parts_of_the_trials_and_examples_are_counted() -> None:
    training = {"count": 2, "sessions": 2, "images": ["*_1.png", "*_2.png", "*_3.png", "*_4.png"], "tasks": [EXAMPLE]}
    plain = {**PREDICT, "options": {"prompt": TEXT, "alt": TEXT}}
    study = running(learning(training=training, tasks=[plain]))
    assert study.item_set.filter(is_training=True).count() == 4
    orders = set()
    for _ in range(4):
        someone = factories.participant(study)
        trials = [one for one in someone.trials.order_by("position") if one.phase in ("training", "main")]
        assert [one.phase for one in trials] == [*["training"] * 2, *["main"] * 4] * 2
        assert [one.options["k"] for one in trials if one.phase == "main"] == [2] * 4 + [4] * 4
        assert len({one.stimulus_id for one in trials}) == 12  # no example and no item twice
        orders.add(tuple(one.stimulus.item.name for one in trials if one.stimulus and one.stimulus.item))
    assert len(orders) > 1


def test_more_sessions_than_trials_are_refused_before_the_launch() -> None:
    training = {"count": 1, "sessions": 5, "images": ["*_[0-4].png"], "tasks": [EXAMPLE]}
    plain = {**PREDICT, "options": {"prompt": TEXT, "alt": TEXT}}
    design = {"name": "item_lists", "items_each": 4, "one_condition": True}
    study = prepared(learning(training=training, tasks=[plain], design=design))
    assert study.problem.startswith("training.sessions: = 5 should be at most ")


@pytest.mark.parametrize("seed", range(20))
def test_repeats_are_main_presentations_shown_again_half_a_block_later(seed: int) -> None:
    study = Study.objects.filter(slug="sense-of-geese").first() or factories.running_study(repeats={"count": 2})
    someone = factories.participant(study)
    someone.seed = seed
    trials = session_plan.trials_of(someone)
    again = [trial for trial in trials if trial.phase == "repeat"]
    assert len(again) == 2 * len(factories.DOCUMENT["tasks"])
    for trial in again:
        first = trial.repeat_of
        assert first is not None
        assert (first.phase, first.stimulus, first.task) == ("main", trial.stimulus, trial.task)
        between = {one.stimulus for one in trials if first.position < one.position < trial.position}
        assert len(between - {first.stimulus}) >= 1
    assert sum(trial.phase == "main" for trial in trials) == 4 * len(factories.DOCUMENT["tasks"])


def test_repeated_answers_are_in_the_reliability_and_in_no_main_analysis() -> None:
    study = factories.running_study(repeats={"count": 2}, design={"name": "between", "quota": 4})
    for _ in range(4):
        someone = factories.participant(study)
        for trial in someone.trials.order_by("position"):
            assert send(someone, answer_to(trial)).status_code == 200
    stored = Trial.objects.filter(repeat_of__isnull=False)
    assert stored.count() == 4 * 2 * 2
    assert Response.objects.filter(trial__in=stored).count() == stored.count()
    answers: Answers = frames.answers(study)[0]
    main = answers.responses[answers.responses["phase"] == "main"]
    assert main.groupby(["participant", "item", "task"]).size().max() == 1
    found = reliability(answers)
    measures = found[0].table["measure"].tolist() if found else []
    assert "self-consistency" in measures
    # The page takes a repeated trial for any other.
    assert {one["phase"] for one in session.screens(someone, list(stored))} == {"main"}


def test_more_repeats_than_an_arm_has_room_for_are_refused_before_the_launch() -> None:
    study = prepared(factories.document(repeats={"count": 3}))
    assert study.problem.startswith("repeats.count: = 3 should be at most 2")
