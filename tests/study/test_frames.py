"""Rows become frames: whose answers count, who is excluded and why, and the flow of numbers."""

import pytest

from study import frames
from study.models import Participant, RecruiterIdentity, Recruitment, Response, Study, Trial
from tests.study.answered_study import answered_study, participant

pytestmark = pytest.mark.django_db


def test_every_answer_is_one_row_with_its_chance_and_scale():
    study = answered_study(participants=2)
    answers, exclusions, counts = frames.answers(study)
    rows = answers.responses
    assert len(rows) == Response.objects.count() == 2 * 2 * (8 + 2) * 2
    assert exclusions.empty
    right = rows[(rows["task"] == "which") & (rows["phase"] == "main")]
    assert set(right["chance"]) == {0.25}
    assert (right["correct"] == (right["response"] == right["answer_key"])).all()
    assert set(right["condition"]) == {"class_model", "randomized"}
    ratings = rows[rows["task"] == "sense"]
    assert set(ratings["scale_low"]) == {1}
    assert set(ratings["scale_high"]) == {7}
    assert ratings["chance"].isna().all()
    assert not rows.duplicated(["participant", "position", "attempt"]).any()
    assert counts["responses"]["analysed"] == len(rows)
    assert list(answers.items["item"]) == sorted(answers.items["item"])


def test_the_number_of_queries_does_not_grow_with_the_answers(django_assert_max_num_queries):
    study = answered_study(participants=12)
    with django_assert_max_num_queries(12):
        frames.answers(study)


def test_with_a_person_present_simulated_and_preview_rows_are_left_out():
    study = answered_study(participants=3, origin="simulated")
    arm = study.arm_set.first()
    assert frames.answers(study)[0].is_simulated
    participant(study, arm, "looked", origin="preview")
    assert set(frames.answers(study)[0].participants["origin"]) == {"simulated"}
    participant(study, arm, "somebody", origin="person", state="started")
    answers, _, counts = frames.answers(study)
    assert answers.responses.empty
    assert counts["participants"]["recruited"] == 1
    assert not answers.is_simulated


def test_those_who_did_not_finish_are_counted_and_not_analysed():
    study = answered_study(participants=3)
    someone = study.participant_set.first()
    someone.state = Participant.State.STARTED
    someone.save()
    participant(study, study.arm_set.first(), "gone", state="withdrawn")
    participant(study, study.arm_set.first(), "out", state="screened_out")
    answers, exclusions, counts = frames.answers(study)
    assert someone.code not in set(answers.responses["participant"])
    flow = counts["participants"]
    assert (flow["recruited"], flow["not_completed"], flow["withdrawn"], flow["screened_out"]) == (8, 1, 1, 1)
    assert flow["analysed"] == 5
    assert exclusions.empty
    arm = counts["arms"]["class_model"]
    assert (arm["recruited"], arm["analysed"]) == (5, 2)


def test_a_declared_rule_leaves_out_who_it_fires_for_and_says_why():
    study = answered_study(participants=3, exclusions=[{"rule": "catch_ratio", "parameters": {"at_least": 1.0}}])
    someone = study.participant_set.first()
    wrong = Response.objects.filter(trial__participant=someone, trial__phase="catch", trial__task="which").first()
    wrong.columns = {**wrong.columns, "correct": False}
    wrong.save()
    answers, exclusions, counts = frames.answers(study)
    assert list(exclusions["participant"]) == [someone.code]
    assert list(exclusions["reason"]) == ["1 of 2 catch trials right; at least 100% asked for."]
    assert someone.code not in set(answers.responses["participant"])
    assert counts["participants"]["excluded_by"] == {"catch_ratio": 1}
    assert counts["participants"]["analysed"] == 5
    assert counts["responses"]["excluded"] == 20


def test_the_first_rule_that_fires_is_the_one_that_is_named():
    rules = [
        {"rule": "participants", "parameters": {"named": ["0000"], "reason": "Pressed keys at random."}},
        {"rule": "response_time_floor", "parameters": {"floor_ms": 1e9}},
    ]
    study = answered_study(participants=1, exclusions=rules)
    _, exclusions, _ = frames.answers(study)
    assert dict(zip(exclusions["participant"], exclusions["rule"], strict=True)) == {
        "0000": "participants",
        "1000": "response_time_floor",
    }


def test_an_outcome_dependent_rule_is_flagged():
    study = answered_study(participants=3, exclusions=[{"rule": "accuracy_at_most", "parameters": {"value": 0.99}}])
    _, exclusions, _ = frames.answers(study)
    assert len(exclusions)
    assert exclusions["is_outcome_dependent"].all()


def test_a_person_who_comes_through_two_links_is_a_duplicate():
    study = answered_study(participants=2, exclusions=[{"rule": "duplicate_identity", "parameters": {}}])
    first, second = study.participant_set.order_by("pk")[:2]
    for person, name in ((first, "prolific"), (second, "mail")):
        recruitment = Recruitment.objects.create(study=study, name=name)
        RecruiterIdentity.objects.create(participant=person, recruitment=recruitment, external_id="external-id-17")
    _, exclusions, _ = frames.answers(study)
    assert list(exclusions["participant"]) == [second.code]
    assert "external-id-17" not in exclusions.to_csv()
    assert first.code in exclusions["reason"].iloc[0]


def test_rules_judge_in_batches_as_they_would_at_once(monkeypatch):
    study = answered_study(participants=6, catch_skill=0.6, exclusions=[{"rule": "catch_ratio", "parameters": {}}])
    whole = frames.answers(study)
    monkeypatch.setattr(frames, "BATCH", 1)
    single = frames.answers(study)
    assert whole[1].equals(single[1])
    assert whole[2] == single[2]
    assert whole[0].responses.equals(single[0].responses)


def test_a_study_without_answers_gives_empty_frames():
    study = Study.objects.create(slug="new", document={})
    answers, exclusions, counts = frames.answers(study)
    assert answers.responses.empty
    assert exclusions.empty
    assert counts["participants"]["recruited"] == 0


def test_a_trial_type_that_is_gone_still_gives_rows():
    study = answered_study(participants=1)
    Trial.objects.filter(trial_type="identify_class").update(trial_type="was_removed", options={"chance": 0.5})
    rows = frames.answers(study)[0].responses
    assert set(rows.loc[rows["trial_type"] == "was_removed", "chance"]) == {0.5}
