"""Each rule leaves out who it says, and only them."""

import re

import pandas as pd
import pytest

from attribution import plugins
from study.exclusions import (
    ExclusionError,
    accuracy_at_most,
    catch_ratio,
    duplicate_identity,
    participants,
    practice_attempts,
    response_time_floor,
    side_bias,
    time_bounds,
)


def people(*names, **columns):
    return pd.DataFrame({"participant": list(names), "duplicate_of": [None] * len(names), **columns})


def rows(**by_person):
    """name=[(phase, correct, response_ms), ...]"""
    found = pd.DataFrame(
        [(name, *one) for name, given in by_person.items() for one in given],
        columns=["participant", "phase", "correct", "response_ms"],
    )
    return found.assign(attempt=1, task="which", response=None)


@pytest.mark.parametrize("name", plugins.names("study.exclusions"))
def test_every_rule_says_what_it_is_whence_and_leaves_nobody_out_of_nothing(name):
    plugin = plugins.describe("study.exclusions", name)
    assert re.search(r"\b(19|20)\d\d\b", plugin.source)
    given = {"reason": "No reason to.", "named": []} if name == "participants" else {}
    parameters = plugins.complete("study.exclusions", name, given)
    assert plugins.load("study.exclusions", name).excluded(people(), rows(), **parameters) == {}


def test_catch_ratio_counts_catch_trials_alone():
    given = rows(
        attentive=[("catch", True, 900)] * 3 + [("catch", False, 900)],
        careless=[("catch", True, 900)] * 2 + [("catch", False, 900)] * 2 + [("main", True, 900)] * 20,
        unasked=[("main", False, 900)],
    )
    assert catch_ratio.excluded(people(), given, at_least=0.75) == {
        "careless": "2 of 4 catch trials right; at least 75% asked for."
    }


def test_accuracy_at_most_includes_its_bound_and_is_flagged():
    given = rows(
        half=[("main", True, 900), ("main", False, 900)], better=[("main", True, 900)] * 2 + [("main", False, 9)]
    )
    found = accuracy_at_most.excluded(people(), given, value=0.5)
    assert found == {"half": "Accuracy 50.0%, which is at most 50.0%."}
    assert accuracy_at_most.OUTCOME_DEPENDENT


def test_response_time_floor_ignores_answers_without_a_time():
    given = rows(
        fast=[("main", True, 100.0), ("main", True, 900.0)],
        untimed=[("main", True, None), ("main", True, 900.0)],
        fast_in_practice=[("practice", True, 10.0), ("main", True, 900.0)],
    )
    assert set(response_time_floor.excluded(people(), given, floor_ms=300, at_most=0.1)) == {"fast"}


def test_participants_are_left_out_by_name_with_a_reason():
    found = participants.excluded(people("a", "b"), rows(), named=["b", "nobody"], reason="Asked to be left out.")
    assert found == {"b": "Asked to be left out."}
    with pytest.raises(ExclusionError, match="need a reason"):
        participants.excluded(people("a"), rows(), named=["a"])


def test_the_second_participation_goes_and_the_first_stays():
    given = people("first", "second")
    given["duplicate_of"] = [None, "first"]
    assert duplicate_identity.excluded(given, rows()) == {"second": "The same person took part before, as first."}


def test_time_bounds_judge_the_whole_participation_and_nobody_without_times():
    given = people("quick", "slow", "usual", "imported").assign(
        started_at=["2026-03-01T09:00:00+00:00"] * 3 + [None],
        completed_at=["2026-03-01T09:01:00+00:00", "2026-03-01T11:00:00+00:00", "2026-03-01T09:10:00+00:00", None],
    )
    assert time_bounds.excluded(given, rows(), least_minutes=2.0, most_minutes=60.0) == {
        "quick": "Took 1.0 minutes; at least 2 asked for.",
        "slow": "Took 120.0 minutes; at most 60 allowed.",
    }
    assert set(time_bounds.excluded(given, rows(), least_minutes=2.0)) == {"quick"}
    with pytest.raises(ExclusionError, match="least_minutes below most_minutes"):
        time_bounds.excluded(given, rows(), least_minutes=5.0, most_minutes=2.0)


def test_side_bias_counts_sides_on_the_screen_or_a_named_task_s_answers():
    given = rows(left=[("main", None, 900)] * 10, fair=[("main", None, 900)] * 10, few=[("main", None, 900)] * 3)
    chosen = ["a"] * 10 + ["a", "b"] * 5 + ["a"] * 3
    seen = given.assign(first="a", winner=chosen, tie=False, response=["yes"] * 10 + ["no", "yes"] * 5 + ["yes"] * 3)
    told = {"left": "10 of 10 answers were the first picture; at most 90% may be alike."}
    assert side_bias.excluded(people(), seen) == told
    assert side_bias.excluded(people(), seen, task="which") == {
        "left": "10 of 10 answers were yes; at most 90% may be alike."
    }
    assert side_bias.excluded(people(), seen.assign(tie=True)) == {}
    assert set(side_bias.excluded(people(), seen, least=3)) == {"left", "few"}


def test_practice_attempts_count_the_last_attempt_at_practice_alone():
    given = rows(
        patient=[("practice", False, 900), ("practice", True, 900), ("main", True, 900)], quick=[("main", True, 9)]
    ).assign(attempt=[1, 3, 9, 5])
    assert practice_attempts.excluded(people(), given, at_most=2) == {
        "patient": "3 attempts at the practice; at most 2 allowed."
    }
