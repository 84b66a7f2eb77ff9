"""Preferences and rank correlations: the numbers are right, and opposite numbers read opposite sentences."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.analysis import AnalysisError, Answers, preference, rank_correlation
from study.statistics.rounding import p_value


def answers(responses, **columns):
    rows = pd.DataFrame(responses)
    for name, value in {
        "phase": "main", "task": "which", "condition": None, "tie": None, "origin": "person", "item": "i", **columns,
    }.items():  # fmt: skip
        if name not in rows:
            rows[name] = value
    people = rows[["participant", "origin"]].drop_duplicates()
    return Answers(rows, people, pd.DataFrame({"item": rows["item"].unique()}), {})


def compared(wins, *, people=20, tie=None):
    """Each participant compares each pair once; ``wins[pair]`` is how often of ten the first wins."""
    rng = np.random.default_rng(0)
    rows = []
    for person in range(people):
        for item, ((first, second), share) in enumerate(wins.items()):
            winner, loser = (first, second) if rng.random() < share / 10 else (second, first)
            is_tie = tie is not None and rng.random() < tie
            rows.append(
                {
                    "participant": f"p{person}",
                    "item": f"i{item}-{person % 5}",
                    "winner": winner,
                    "loser": loser,
                    "tie": is_tie,
                }
            )
    return answers(rows)


CLEAR = {("a", "b"): 9, ("a", "c"): 10, ("b", "c"): 8}


def test_a_win_rate_is_the_share_of_comparisons_won():
    given = compared(CLEAR)
    found = preference.analyse(given)
    rows = given.responses
    for one in found.estimates:
        won, lost = (rows["winner"] == one.condition).sum(), (rows["loser"] == one.condition).sum()
        assert one.estimate == pytest.approx(won / (won + lost))
        assert one.responses == won + lost


def test_equal_win_rates_have_neither_most_nor_least():
    rows = [
        {"participant": f"p{person}", "item": f"i{item}", "winner": winner, "loser": loser}
        for person in range(4)
        for item, (winner, loser) in enumerate((("a", "b"), ("b", "a"), ("a", "b"), ("b", "a")))
    ]
    found = preference.analyse(answers(rows))
    assert found.answer.startswith("People preferred both equally often (each in 50 of 100 comparisons)")
    assert found.sentence.startswith("All win rates are equal: ")


def test_the_order_and_its_opposite_read_opposite():
    found = preference.analyse(compared(CLEAR))
    opposite = preference.analyse(compared({pair: 10 - wins for pair, wins in CLEAR.items()}))
    assert found.answer.startswith("People preferred “a” most often")
    assert "“c” least often" in found.answer
    assert opposite.answer.startswith("People preferred “c” most often")
    clear = [test.name for test in found.tests if test.p_adjusted < 0.05]
    assert clear == ["a preferred to b", "a preferred to c", "b preferred to c"]
    assert ": “a” over “b” (p = .017), “c” (p < .001); “b” over “c” (p = .017)." in found.sentence  # each that is clear
    assert opposite.sentence.endswith("1 of 3 differences is clear after Holm’s correction: “c” over “a” (p = .007).")


def test_of_many_clear_differences_those_of_one_object_are_told():
    objects = "abcdefg"
    pairs = {(one, other): 10 for place, one in enumerate(objects) for other in objects[place + 1 :]}
    uneven = {pair: 9 if number % 5 else 10 for number, pair in enumerate(pairs)}
    found = preference.analyse(compared(uneven, people=20))
    clear = sum(test.p_adjusted < 0.05 for test in found.tests)
    assert clear > preference.MOST_TOLD
    assert f"{clear} of 21 differences are clear" in found.sentence
    assert found.sentence.count(" over ") == 1
    assert found.sentence.endswith("; the others stand among the tests in results.json.")


def test_no_preference_reads_as_unclear():
    found = preference.analyse(compared({("a", "b"): 5, ("a", "c"): 5, ("b", "c"): 5}, people=10))
    assert "no difference is clear" in found.sentence
    assert found.answer.endswith("but no difference is clear.")


def test_a_tie_is_half_a_win_or_left_out():
    rows = [
        {"participant": "p1", "winner": "a", "loser": "b", "tie": False},
        {"participant": "p2", "winner": "a", "loser": "b", "tie": True},
        {"participant": "p3", "winner": "b", "loser": "a", "tie": False},
        {"participant": "p4", "winner": "a", "loser": "b", "tie": False},
    ]
    half = {one.condition: one.estimate for one in preference.analyse(answers(rows)).estimates}
    none = {one.condition: one.estimate for one in preference.analyse(answers(rows), ties="none").estimates}
    assert half == {"a": pytest.approx(2.5 / 4), "b": pytest.approx(1.5 / 4)}
    assert none == {"a": pytest.approx(2 / 3), "b": pytest.approx(1 / 3)}


def test_objects_that_were_never_compared_with_each_other_have_no_order():
    found = preference.analyse(compared({("a", "b"): 6, ("c", "d"): 6}))
    assert "cannot be said" in found.sentence
    assert "never compared" in found.sentence
    assert found.tests == ()


def test_truncation_and_rounding_differ():
    rows = [{"participant": f"p{k}", "winner": "a" if k < 2 else "b", "loser": "b" if k < 2 else "a"} for k in range(3)]
    shown = [preference.analyse(answers(rows), rounding=rule).estimates[0].shown for rule in ("truncate", "half_even")]
    assert shown == ["66.6", "66.7"]


def test_answers_without_preferences_are_refused():
    with pytest.raises(AnalysisError, match="what was preferred"):
        preference.analyse(answers([{"participant": "p", "winner": None, "loser": None}]))


def rated(slope, *, people=20, items=15, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        for item in range(items):
            salient = rng.random()
            rating = float(np.clip(np.round(4 + slope * (salient - 0.5) + rng.normal()), 1, 7))
            rows.append({"participant": f"p{person}", "item": f"i{item}", "rating": rating, "saliency": salient})
    return answers(rows, task="rate")


def test_rho_is_spearmans_over_all_answers():
    given = rated(5)
    found = rank_correlation.analyse(given)
    expected = stats.spearmanr(given.responses["rating"], given.responses["saliency"]).statistic
    assert found.estimates[0].estimate == pytest.approx(expected)
    assert found.estimates[0].shown == f"{expected:.3f}"[1:]
    assert found.estimates[0].interval == "95 % two-way bootstrap"


def test_rising_falling_and_unclear_read_so():
    rising, falling, unclear = (rank_correlation.analyse(rated(slope)) for slope in (5, -5, 0))
    assert "The rating rises with saliency" in rising.sentence
    assert "The rating falls with saliency" in falling.sentence
    assert "The rating does not clearly go with saliency" in unclear.sentence
    assert rising.answer.startswith("The higher the saliency, the higher the rating")
    assert falling.answer.startswith("The higher the saliency, the lower the rating")
    assert unclear.answer == "Whether the rating goes with saliency is not clear."
    assert falling.estimates[0].shown.startswith("−.")
    given = rated(5)
    of_right = replace(given, responses=given.responses.assign(correct=given.responses["rating"] > 4))
    right = rank_correlation.analyse(of_right, value="correct", covariate="saliency")
    assert right.answer.startswith("The higher the saliency, the higher the share of right answers")


def test_the_interval_covers_about_as_often_as_it_says():
    covered = 0
    for seed in range(60):
        found = rank_correlation.analyse(rated(2, people=12, items=10, seed=seed)).estimates[0]
        covered += found.low < 0.4855 < found.high  # rho of 200,000 answers
    assert covered >= 52


def test_a_rating_that_does_not_vary_correlates_with_nothing():
    given = rated(0)
    given.responses["rating"] = 4.0
    found = rank_correlation.analyse(given)
    assert "cannot be said: one of the two does not vary" in found.sentence
    assert found.estimates == ()


def test_the_covariate_has_to_be_named_where_there_are_several_or_none():
    given = rated(1)
    given.responses["length"] = 2.0
    with pytest.raises(AnalysisError, match="there are: saliency, length"):
        rank_correlation.analyse(given)
    assert rank_correlation.analyse(given, covariate="saliency").estimates
    with pytest.raises(AnalysisError, match="no column “colour”"):
        rank_correlation.analyse(given, covariate="colour")
    with pytest.raises(AnalysisError, match="there is none"):
        rank_correlation.analyse(answers([{"participant": "p", "rating": 1.0}]))


def test_the_pair_named_is_the_pair_tested_where_worths_and_win_rates_disagree():
    """“weak” wins most and “strong” least, in leagues of their own; where they meet, “strong” wins."""
    met = {("strong", "weak"): (38, 40)}
    for k in range(4):
        met |= {(f"first {k}", "strong"): (17, 20), ("weak", f"last {k}"): (17, 20)}
        for league in ("first", "last"):
            met[f"{league} {k}", f"{league} {(k + 1) % 4}"] = (30, 60)
    rows = []
    for number, ((first, second), (won, times)) in enumerate(met.items()):
        for k in range(times):
            winner, loser = (first, second) if k < won else (second, first)
            rows.append({"participant": f"p{k % 20}", "item": f"i{number}-{k % 4}", "winner": winner, "loser": loser})
    found = preference.analyse(answers(rows))
    assert found.answer.startswith("People preferred “weak” most often")
    assert "“strong” least often" in found.answer
    test = next(one for one in found.tests if one.name == "strong preferred to weak")
    assert f"“strong” over “weak” ({p_value(test.p_adjusted)})" in found.sentence


def test_a_covariate_of_words_is_refused():
    study = rated(0.5)
    study.responses["device"] = "telephone"
    with pytest.raises(AnalysisError, match="the column “device” holds “telephone”"):
        rank_correlation.analyse(study, covariate="device")
