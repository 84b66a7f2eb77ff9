"""What a report says of its plan: deviations, looks, other decisions, who was lost, forecasts, one family."""

from dataclasses import replace

import pandas as pd
import pytest
from scipy import stats

from study import conclusions, tables
from study.analysis import accuracy_by_condition
from study.deviations import deviations
from study.statistics.dropout import worst_case
from study.statistics.sequential import boundaries
from study.supplements.family import family
from study.supplements.forecasts import forecasts
from study.supplements.looks import looks, standing
from study.supplements.losses import losses
from study.supplements.multiverse import multiverse
from study.supplements.primary import effects
from tests.study.made_answers import CONTROLLED, made

ANALYSES = [{"name": "accuracy_by_condition", "parameters": {}}]


def answered(probabilities=None, *, lost=(), plan=None, prereg=None, rules=(), frozen=None, **settings):
    """A study with everybody in it, the lost too; frozen as its document is, unless ``frozen`` says otherwise."""
    answers = made(probabilities or {"trained": 0.7, "blind": 0.3}, roles=CONTROLLED, **settings)
    document = {
        **answers.document,
        "analysis": {"primary": "accuracy_by_condition", "alpha": 0.05, "analyses": ANALYSES},
        "exclusions": list(rules),
        "preregistration": prereg,
    }
    people = answers.participants.assign(
        excluded_by=[("not_completed" if one in lost else None) for one in answers.participants["participant"]],
        reason=None,
        duplicate_of=None,
        started_at="2026-03-01T09:00:00+00:00",
        completed_at="2026-03-01T09:09:00+00:00",
    )
    out = answers.responses["participant"].isin(lost)
    rows = answers.responses.assign(
        excluded_by=pd.Series(["not_completed" if one else None for one in out], dtype=object),
        response_ms=900.0,
        position=range(len(answers.responses)),
        attempt=1,
    )
    frozen_plan = {"frozen_at": "2026-02-28T09:00:00+00:00", "document": frozen or document, "looks": []}
    return replace(
        answers, responses=rows, participants=people, document=document, plan={**frozen_plan, **(plan or {})}
    )


def test_a_study_that_was_done_as_frozen_has_no_deviations_and_nothing_exploratory():
    everything = answered(plan={"is_closed": True})
    assert deviations(everything) == []
    assert not any(finding.is_exploratory for finding in conclusions.analyse(tables.analysed(everything)))


@pytest.mark.parametrize(
    ("change", "said", "why"),
    [
        (
            {"exclusions": [{"rule": "catch_ratio", "parameters": {}}]},
            "exclusions.catch_ratio was added",
            "exclusions is not as",
        ),
        (
            {"analysis": {"primary": "accuracy_by_condition", "alpha": 0.1, "analyses": ANALYSES}},
            "analysis.alpha was 0.05, now 0.1.",
            "alpha is 0.1, frozen was 0.05",
        ),
        (
            {
                "analysis": {
                    "primary": "accuracy_by_condition",
                    "alpha": 0.05,
                    "analyses": [{"name": "accuracy_by_condition", "parameters": {"control": "trained"}}],
                }
            },
            "analysis.analyses.accuracy_by_condition.parameters.control was added",
            "this analysis was not in the plan",
        ),
    ],
)
def test_what_was_changed_after_the_freeze_is_named_and_what_hangs_on_it_is_exploratory(change, said, why):
    everything = answered(plan={"is_closed": True})
    changed = replace(everything, document={**everything.document, **change})
    told = deviations(changed)
    assert told[0] == "The study document is not the one that was frozen at launch."
    assert any(one.startswith(said) for one in told)
    finding = conclusions.analyse(tables.analysed(changed))[0]
    assert finding.is_exploratory
    assert finding.notes[0].startswith(f"Exploratory: {why}")
    assert conclusions.as_record(finding)["is_exploratory"]


@pytest.mark.parametrize(("planned", "said"), [(60, "there are 48, fewer"), (40, "there are 48, more"), (48, "")])
def test_the_number_that_was_planned_is_held_against_the_number_analysed(planned, said):
    found = deviations(answered(prereg={"participants": planned}, plan={"is_closed": True}))
    assert [said in one for one in found] == ([True] if said else [])


@pytest.mark.parametrize(
    ("limit", "said"), [(0.1, "As declared beforehand, participants are left"), (0.6, "Participants")]
)
def test_a_rule_about_the_outcome_is_declared_only_with_the_limit_that_was_frozen(limit, said):
    frozen = answered(rules=[{"rule": "accuracy_at_most", "parameters": {"value": 0.1}}]).document
    everything = answered(
        rules=[{"rule": "accuracy_at_most", "parameters": {"value": limit}}], frozen=frozen, plan={"is_closed": True}
    )
    (told,) = [one for one in deviations(everything) if "what the study measures" in one]
    assert told.startswith(said)


def test_looking_unplanned_at_fewer_answers_is_told():
    before = {"at": "2026-03-02", "participants": 20, "standard_error": 0.1, "p": 0.2, "is_closed": False}
    assert "looked at 1 time before" in deviations(answered(plan={"is_closed": True, "looks": [before]}))[0]


LOOKS = {"looks": [0.5, 1.0], "participants": 96}


def test_the_boundary_at_a_planned_look_is_lan_and_demets():
    everything = answered(prereg=LOOKS)  # 48 of 96 participants
    found = standing(everything)
    bound = boundaries([0.5, 1.0])[0]
    assert found.looks[-1].fraction == 0.5
    assert found.looks[-1].nominal == pytest.approx(bound.nominal_p)
    assert found.looks[-1].is_planned
    assert deviations(everything) == []
    (finding,) = looks(everything)
    assert "The boundary is crossed with 50 % of the planned information" in finding.sentence
    assert "and the study may stop" in finding.sentence


def test_without_an_effect_the_boundary_is_not_crossed_and_the_end_says_so():
    nothing = {"trained": 0.5, "blind": 0.5}
    (finding,) = looks(answered(nothing, prereg=LOOKS))
    assert "The boundary is not crossed" in finding.sentence
    assert "goes on as planned" in finding.sentence
    (finding,) = looks(answered(nothing, prereg=LOOKS, plan={"is_closed": True}))
    assert "The study has ended without crossing its boundary" in finding.sentence


def test_the_end_of_a_study_is_not_said_to_hold_all_the_planned_information():
    (finding,) = looks(answered(prereg=LOOKS, plan={"is_closed": True}))  # half of the planned participants
    assert "The study has ended beyond its boundary" in finding.sentence
    assert "100 %" not in finding.sentence
    assert finding.table["information"].tolist() == ["the end"]


def test_an_unplanned_look_is_flagged_and_costs_its_share_of_alpha():
    peek = {"at": "2026-03-02T10:00:00", "participants": 24, "standard_error": 0.2, "p": 0.5, "is_closed": False}
    everything = answered(prereg=LOOKS, plan={"looks": [peek]})
    found = standing(everything)
    assert [one.is_planned for one in found.looks] == [False, True]
    assert found.looks[-1].nominal < boundaries([0.5])[0].nominal_p
    assert "look of 2026-03-02 10:00 UTC with 24 participants (25% of the planned" in deviations(everything)[0]
    assert "1 of the 2 looks was not planned." in looks(everything)[0].sentence
    (alone,) = looks(answered(prereg={**LOOKS, "participants": 200}))
    assert alone.sentence.endswith(" This look was not planned.")


def test_information_is_that_of_the_standard_error_where_one_was_planned():
    everything = answered()
    se = effects(tables.analysed(everything))[0]["standard_error"]
    planned = {"looks": [0.25, 1.0], "planned_standard_error": 100 * se / 2}
    assert standing(answered(prereg=planned)).looks[-1].fraction == pytest.approx(0.25)


def test_the_primary_effect_carries_what_pooling_needs():
    everything = answered()
    (effect,) = effects(tables.analysed(everything))
    found = accuracy_by_condition.analyse(tables.analysed(everything))
    df = next(test.df for test in found.tests if " − " in test.name)
    told = next(one for one in found.estimates if one.term and " − " in one.term)
    assert effect["standard_error"] == pytest.approx((told.high - told.low) / 2 / stats.t.ppf(0.975, df))
    assert effect["unit"] == "difference in the share of right answers"
    assert effect["design"] == "between participants"
    assert effects(tables.analysed(answered(within=True)))[0]["design"] == "within participants"


def test_a_comparison_without_a_test_is_not_called_unclear_in_the_multiverse():
    ways = [{"name": "another", "exclusions": []}]
    alone = {"trained": 0.6, "blind": 0.4}
    (finding,) = multiverse(answered(alone, prereg={"multiverse": ways}, participants=1))
    assert "there is no test, as declared and in the 1 other way to decide." in finding.sentence


def test_other_decisions_are_tried_and_those_that_change_the_result_named():
    rules = [{"rule": "participants", "parameters": {"named": ["p000"], "reason": "Asked us to."}}]
    everything = answered(rules=rules)
    (finding,) = multiverse(everything)
    assert len(finding.estimates) == 2
    assert "the first does clearly better, as declared and in the 1 other way to decide." in finding.sentence
    assert [one.participants for one in finding.estimates] == [48, 48]  # nobody asked the rule of these answers yet
    everybody = {"rule": "participants", "parameters": {"named": [f"p{k:03d}" for k in range(2, 24)], "reason": "x"}}
    ways = [{"name": "two left", "exclusions": [everybody]}, {"name": "nobody out", "exclusions": []}]
    (finding,) = multiverse(answered({"trained": 0.55, "blind": 0.3}, prereg={"multiverse": ways}, items=6, spread=0.9))
    assert [one.participants for one in finding.estimates] == [48, 26, 48]
    assert "two left" in finding.sentence
    assert "hangs on that decision" in finding.sentence
    assert "declared beforehand" in finding.method
    assert finding.figure.count('class="interval"') == 4  # three ways and the legend
    assert multiverse(answered()) == []


def test_worst_case_bounds_are_those_by_hand_and_say_when_the_sign_could_turn():
    assert worst_case([0.8, 0.6], 2, [0.4, 0.2], 0, 0.0, 1.0) == pytest.approx((1.4 / 4 - 0.3, 3.4 / 4 - 0.3))
    few = answered(lost=["p000"])
    (finding,) = losses(few, tables.analysed(few))
    assert finding.sentence.startswith("Whatever the lost participants would have answered, the sign")
    many = answered(lost=[f"p{k:03d}" for k in range(16)])
    (finding,) = losses(many, tables.analysed(many))
    assert finding.sentence.startswith("If the lost participants differed as much as they can")
    assert finding.table["lost"].tolist() == ["16 and 0"]
    nobody = answered()
    assert losses(nobody, tables.analysed(nobody)) == []


def test_forecasts_stand_beside_what_came():
    given = [
        {"who": "A. B.", "condition": "trained", "estimate": 95.0},
        {"who": "C. D.", "condition": "blind", "estimate": 30.0},
    ]
    everything = answered(prereg={"forecasts": given})
    (finding,) = forecasts(everything, tables.analysed(everything))
    assert finding.table["inside the interval"].tolist() == ["no", "yes"]
    assert "1 of 2 expected more than came" in finding.sentence or "2 of 2" in finding.sentence
    assert "the nearest is C. D.’s" in finding.sentence


def test_a_declared_family_is_corrected_together():
    analyses = [*ANALYSES, {"name": "accuracy_model", "parameters": {}}]
    everything = answered(prereg={"family": ["accuracy_by_condition", "accuracy_model"]})
    document = {**everything.document, "analysis": {**everything.document["analysis"], "analyses": analyses}}
    everything = replace(everything, document=document, plan={**everything.plan, "document": document})
    findings = conclusions.analyse(tables.analysed(everything))
    (finding,) = family(everything, findings)
    alone = [t for one in findings for t in one.tests if t.p_adjusted is not None]
    assert len(finding.tests) == len(alone) == 2
    assert max(t.p_adjusted for t in finding.tests) <= 2 * max(t.p for t in alone)
    assert "all 2 comparisons of 2 analyses are clear." in finding.sentence


@pytest.mark.parametrize("control", ["", "blind"])
def test_a_positive_control_is_in_no_family(control):
    names = ["accuracy_by_condition", "accuracy_model"]
    analyses = [{"name": name, "parameters": {"control": control} if control else {}} for name in names]
    everything = answered({"trained": 0.6, "blind": 0.3, "photo": 0.95}, prereg={"family": names})
    document = {**everything.document, "analysis": {**everything.document["analysis"], "analyses": analyses}}
    if control:  # a control that the analyses name need not have the role
        blocks = [{**one, "role": "treatment"} if one["name"] == control else one for one in document["conditions"]]
        document["conditions"] = blocks
    everything = replace(everything, document=document, plan={**everything.plan, "document": document})
    (finding,) = family(everything, conclusions.analyse(tables.analysed(everything)))
    assert [test.name.partition(": ")[2].partition(":")[0] for test in finding.tests] == ["trained − blind"] * 2
    assert "those of positive controls are not in it" in finding.method
