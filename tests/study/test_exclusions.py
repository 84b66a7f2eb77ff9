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
    response_time_floor,
)


def people(*names, **columns):
    return pd.DataFrame({"participant": list(names), "duplicate_of": [None] * len(names), **columns})


def rows(**by_person):
    """name=[(phase, correct, response_ms), ...]"""
    return pd.DataFrame(
        [(name, *one) for name, given in by_person.items() for one in given],
        columns=["participant", "phase", "correct", "response_ms"],
    )


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
