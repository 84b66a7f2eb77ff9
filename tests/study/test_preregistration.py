"""What is decided beforehand: checked where it is declared, frozen, compared with what was done, exported."""

import pytest

from study.document import completed, validate
from study.preregistration import declared
from tests.study import factories

PLAN = {
    "hypotheses": ["With pictures of the trained network people are right more often than with shuffled ones."],
    "participants": 16,
    "stopping_rule": "We stop at 16.",
    "smallest_effect": 10.0,
    "smallest_effect_reason": "Less would not change which method we use.",
    "looks": [0.5, 1.0],
    "forecasts": [{"who": "A. B.", "condition": "trained", "estimate": 70.0}],
    "multiverse": [{"name": "nobody left out", "exclusions": []}],
}


def test_a_plan_has_no_problems_and_is_completed_with_its_defaults():
    assert validate(factories.document(preregistration=PLAN)) == []
    whole = completed(factories.document(preregistration=PLAN))
    assert validate(whole) == []
    assert whole["preregistration"]["spending"] == "obrien_fleming"
    assert whole["preregistration"]["multiverse"][0]["task"] == ""
    assert completed(factories.document())["preregistration"] is None
    assert declared({})["participants"] == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"looks": [0.5, 0.4, 1.0]}, "preregistration.looks: should be shares of the planned information that"),
        ({"looks": [0.5]}, "end with 1, such as [0.5, 1.0]."),
        ({"looks": "half"}, "preregistration.looks: should be a list of numbers"),
        ({"smallest_effect_reason": " "}, "the smallest effect of interest needs its reason in words."),
        ({"forecasts": [{"who": "A", "condition": "x", "estimate": 5}]}, "= “x” should be one of: trained, shuffled."),
        ({"multiverse": [{"name": "a", "exclusions": [{"rule": "x"}]}]}, "There is no “x” in exclusions; there are"),
        ({"multiverse": [{"name": "a"}, {"name": "a"}]}, "= “a” is there twice"),
        ({"multiverse": [{"name": "a", "task": "x"}]}, "multiverse[1].task: = “x” should be one of: identify, sense."),
        ({"family": ["preference"]}, "names “preference”, which is no declared analysis: accuracy_by_condition."),
        ({"spending": "haybittle"}, "preregistration.spending: = “haybittle” should be one of"),
        ({"participant": 3}, "preregistration.participant: is not a key of a study document; did you mean"),
    ],
)
def test_what_does_not_hold_together_is_named_with_what_would(changes, words):
    found = [str(problem) for problem in validate(factories.document(preregistration={**PLAN, **changes}))]
    assert len(found) == 1
    assert words in found[0]
