"""What every report adds: right by hand, honest where it is undefined."""

from dataclasses import replace

import pandas as pd
import pytest
from scipy import stats

from study.analysis import _modelled, accuracy_by_condition, accuracy_model
from study.statistics.marginal_effects import difference, marginal_means
from study.statistics.mixed_models import fit
from study.supplements import supplements
from tests.study.made_answers import CONTROLLED, made

PRIMARY = {"accuracy_by_condition": "correct", "rating_by_condition": "rating"}


def answered(probabilities, primary="accuracy_by_condition", **settings):
    answers = made(probabilities, roles=CONTROLLED, value=PRIMARY.get(primary, "correct"), **settings)
    analysis = {"primary": primary, "analyses": [{"name": primary, "parameters": {}}]}
    rows = answers.responses.assign(position=range(len(answers.responses)), attempt=1)
    return replace(answers, responses=rows, document={**answers.document, "analysis": analysis})


def named(found, name):
    return next(finding for finding in found if finding.analysis == name)


def estimate(finding, ending):
    return next(one for one in finding.estimates if one.term and one.term.endswith(ending))


def means(answers):
    return answers.responses.groupby("condition")["correct"].apply(lambda values: values.astype(float).mean())


def test_the_scales_are_the_difference_the_odds_and_the_share_of_the_way():
    answers = answered({"class_model": 0.6, "blind": 0.25, "photo": 0.95})
    found = named(supplements(answers), "scales")
    mean = means(answers)
    raw = estimate(found, "class_model − blind: percentage points")
    assert raw.estimate == pytest.approx(mean["class_model"] - mean["blind"])
    primary = accuracy_by_condition.analyse(answers)
    same = next(one for one in primary.estimates if one.term == "class_model − blind")
    assert (raw.low, raw.high) == (same.low, same.high)
    share = estimate(found, "class_model − blind: share of the way to the ceiling")
    way = (mean["class_model"] - mean["blind"]) / (mean["photo"] - mean["blind"])
    assert share.estimate == pytest.approx(way)
    assert share.low < way < share.high
    assert "two" not in share.interval
    assert "bootstrap over participants and items" in share.interval
    odds = estimate(found, "class_model − blind: log-odds")
    assert odds.low < odds.estimate < odds.high
    # Given person and item the odds differ more than those of the means.
    marginal = stats.logistic.ppf(mean["class_model"]) - stats.logistic.ppf(mean["blind"])
    assert marginal < odds.estimate < 1.5 * marginal
    assert "the positive control “photo” (100 %)" in found.sentence


def test_a_model_is_fitted_once_for_the_analysis_and_for_what_the_report_adds(monkeypatch):
    fits, fit_model = [], _modelled.fit
    monkeypatch.setattr(_modelled, "_kept", {})
    monkeypatch.setattr(_modelled, "fit", lambda *given, **more: fits.append(given) or fit_model(*given, **more))
    answers = answered({"class_model": 0.6, "blind": 0.25, "photo": 0.95})
    first = accuracy_model.analyse(answers)
    supplements(answers)
    assert len(fits) == 2  # the class model and the photo, each against the blind control
    answers.responses.loc[0, "correct"] = not answers.responses.loc[0, "correct"]
    second = accuracy_model.analyse(answers)
    assert len(fits) == 3  # the photo's answers are what they were
    assert second.tests[0].p != first.tests[0].p


def test_log_odds_that_go_against_the_points_are_explained():
    """Items that are nearly all sure and some hopeless under one condition, all alike under the other."""
    answers = answered({"class_model": 0.99, "blind": 0.75}, participants=30, items=60, spread=0.1)
    rows = answers.responses
    is_hopeless = (rows["condition"] == "class_model") & rows["item"].isin([f"item {n}" for n in range(25)])
    rows.loc[is_hopeless, "correct"] = rows.loc[is_hopeless, "participant"].str.endswith("0")
    found = named(supplements(answers), "scales")
    assert estimate(found, ": percentage points").estimate < 0 < estimate(found, ": log-odds").estimate
    assert any("the log-odds and the percentage points point in opposite directions" in note for note in found.notes)
    agreeing = named(supplements(answered({"class_model": 0.6, "blind": 0.25})), "scales")
    assert not any("opposite" in note for note in agreeing.notes)


def test_without_a_positive_control_the_way_ends_at_the_top():
    answers = answered({"class_model": 0.6, "blind": 0.25})
    found = named(supplements(answers), "scales")
    mean = means(answers)
    way = (mean["class_model"] - mean["blind"]) / (1 - mean["blind"])
    assert estimate(found, "ceiling").estimate == pytest.approx(way)
    assert "all answers right (100 %)" in found.sentence


def test_without_a_way_there_is_no_share_of_it():
    found = named(supplements(answered({"class_model": 0.5, "blind": 0.6, "photo": 0.2})), "scales")
    assert not [one for one in found.estimates if "share of the way" in one.term]
    assert found.notes
    assert "undefined" in set(found.table["% of the way"])


def test_the_rules_are_those_of_scipy_and_leaving_out_items_that_of_a_loop():
    answers = answered({"class_model": 0.5, "blind": 0.35}, within=True, spread=1.0, participants=16, items=6)
    found = named(supplements(answers), "sensitivity")
    rows = answers.responses.assign(correct=answers.responses["correct"].astype(float))
    one, other = (rows.loc[rows["condition"] == name, "correct"] for name in ("class_model", "blind"))
    tests = {test.name.partition(": ")[2]: test for test in found.tests}
    assert tests["every answer by itself"].p == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue)
    by_person = rows.groupby(["participant", "condition"])["correct"].mean().unstack()
    paired = stats.ttest_rel(by_person["class_model"], by_person["blind"])
    assert tests["by participant"].p == pytest.approx(paired.pvalue)
    assert tests["by participant"].df == 15
    without = {
        item: accuracy_by_condition.analyse(replace(answers, responses=rows[rows["item"] != item]))
        for item in rows["item"].unique()
    }
    differences = {item: finding.estimates[2].estimate for item, finding in without.items()}
    smallest, largest = min(differences, key=differences.get), max(differences, key=differences.get)
    assert estimate(found, "(smallest)").estimate == pytest.approx(differences[smallest])
    assert f"without “{largest}” (largest)" in tests
    least_sure = max(without, key=lambda item: without[item].tests[0].p)
    assert tests[f"without “{least_sure}” (largest p)"].p == pytest.approx(without[least_sure].tests[0].p)


def test_of_many_items_only_those_at_either_end_are_left_out_and_the_page_says_so():
    probabilities = {"class_model": 0.6, "blind": 0.3}
    many = named(supplements(answered(probabilities, participants=3, items=81)), "sensitivity")
    assert many.notes[1] == (
        "There are 81 items. Where there are more than 80, not each is left out, but only the 20 without which the "
        "difference is smallest and the 20 without which it is largest."
    )
    assert "with some items left out in turn" in many.method
    few = named(supplements(answered(probabilities, participants=3, items=6)), "sensitivity")
    assert len(few.notes) == 1
    assert "with each item left out in turn" in few.method


def test_other_participants_under_each_condition_are_compared_by_welchs_t():
    answers = answered({"class_model": 0.5, "blind": 0.35}, spread=1.0, participants=10)
    found = named(supplements(answers), "sensitivity")
    rows = answers.responses.assign(correct=answers.responses["correct"].astype(float))
    by_person = rows.groupby(["condition", "participant"])["correct"].mean()
    expected = stats.ttest_ind(by_person["class_model"], by_person["blind"], equal_var=False)
    test = next(test for test in found.tests if test.name.endswith(": by participant"))
    assert (test.p, test.df) == pytest.approx((expected.pvalue, expected.df))


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        ({"class_model": 0.8, "blind": 0.25}, "the difference is clear by the two-way test and by the mixed model"),
        ({"class_model": 0.3, "blind": 0.3}, "the difference is not clear by the two-way test"),
    ],
)
def test_whether_the_rules_agree_is_said(probabilities, said):
    assert said in named(supplements(answered(probabilities)), "sensitivity").sentence


def test_ratings_have_the_supplements_too():
    found = supplements(answered({"class_model": 0.6, "blind": 0.3}, primary="rating_by_condition"))
    assert "log-odds of a higher rating" in named(found, "scales").table.columns
    assert "the top of the scale (100 %)" in named(found, "scales").sentence
    assert len(named(found, "sensitivity").table) == 7


def test_another_primary_analysis_has_only_the_reliability():
    found = supplements(answered({"class_model": 0.6, "blind": 0.3}, primary="preference"))
    assert [finding.analysis for finding in found] == ["reliability"]


def test_reliability_is_high_where_items_differ_and_low_where_they_do_not():
    def halves(spread):
        found = named(
            supplements(answered({"class_model": 0.5}, spread=spread, participants=60, items=30)), "reliability"
        )
        return estimate(found, "split half: which").estimate

    assert halves(1.5) > 0.85
    assert halves(0.0) < 0.6


def test_trials_shown_twice_give_the_self_consistency():
    answers = answered({"class_model": 0.5}, participants=4, items=5)
    again = answers.responses.assign(position=answers.responses["position"] + 1000)
    again.loc[again.index[:5], "correct"] = ~again.loc[again.index[:5], "correct"].astype(bool)
    both = replace(answers, responses=pd.concat([again, answers.responses], ignore_index=True))
    found = estimate(named(supplements(both), "reliability"), "self-consistency: which")
    assert found.estimate == pytest.approx(15 / 20)
    assert (found.participants, found.responses) == (4, 20)


def test_answers_without_conditions_have_a_reliability_too():
    answers = answered({"class_model": 0.5}, spread=1.5, participants=30, items=12)
    bare = replace(
        answers, responses=answers.responses.assign(condition=None), document={**answers.document, "conditions": []}
    )
    found = named(supplements(bare), "reliability")
    assert estimate(found, "split half: which").condition is None
    assert estimate(found, "split half: which").estimate > 0.5
    assert found.table["of"].tolist() == ["all answers: answers being right"]


def test_no_answers_give_no_supplements():
    answers = answered({"class_model": 0.5, "blind": 0.3})
    assert supplements(replace(answers, responses=answers.responses.iloc[:0])) == []


def test_of_many_items_those_are_left_out_that_move_the_difference_most():
    answers = answered({"class_model": 0.5, "blind": 0.35}, within=True, spread=1.0, participants=8, items=100)
    found = named(supplements(answers), "sensitivity")
    rows = answers.responses.assign(correct=answers.responses["correct"].astype(float))
    differences = {}
    for item in rows["item"].unique():
        means = rows[rows["item"] != item].groupby("condition")["correct"].mean()
        differences[item] = means["class_model"] - means["blind"]
    assert estimate(found, "(smallest)").estimate == pytest.approx(min(differences.values()))
    assert estimate(found, "(largest)").estimate == pytest.approx(max(differences.values()))


def test_many_comparisons_are_counted_in_the_sentence_and_not_each_told():
    names = {f"method {letter}": 0.5 for letter in "abcde"}
    answers = made(names, participants=6, items=4)
    analysis = {"primary": "accuracy_by_condition", "analyses": [{"name": "accuracy_by_condition", "parameters": {}}]}
    rows = answers.responses.assign(position=range(len(answers.responses)), attempt=1)
    answers = replace(answers, responses=rows, document={**answers.document, "analysis": analysis})
    said = named(supplements(answers), "sensitivity").sentence
    assert " of the 10 comparisons: the difference is not clear" in said
    assert len(said) < 400


def test_the_mixed_models_p_belongs_to_the_difference_beside_it():
    answers = answered({"class_model": 0.6, "blind": 0.4}, spread=1.0, participants=12)
    found = named(supplements(answers), "sensitivity")
    rows = answers.responses.assign(correct=answers.responses["correct"].astype(float))
    model = fit("correct ~ condition + (1 | participant) + (1 + condition | item)", rows, family="binary", reml=True)
    means = marginal_means(model, "condition", ["blind", "class_model"])
    expected = difference(model, means[1], means[0])
    test = next(test for test in found.tests if test.name.endswith(": mixed model"))
    row = estimate(found, "class_model − blind: mixed model")
    assert (row.estimate, test.p) == pytest.approx((expected.estimate, expected.p), rel=1e-3)
    assert (row.low > 0) == (test.p < 0.05)


def test_reliability_that_an_analysis_tells_is_not_told_again():
    answers = answered({"class_model": 0.6, "blind": 0.25})
    assert named(supplements(answers), "reliability")
    asked = {"primary": "accuracy_by_condition", "analyses": [{"name": "reliability", "parameters": {}}]}
    again = replace(answers, document={**answers.document, "analysis": asked})
    assert "reliability" not in [finding.analysis for finding in supplements(again)]
    both = again.responses.assign(rating=range(len(again.responses)))
    assert named(supplements(replace(again, responses=both)), "reliability")  # the analysis is of one of the two
