"""What is decided beforehand: checked where it is declared, frozen, compared with what was done, exported."""

import base64
import json

import pytest
from django.core.management import CommandError, call_command

from study import frozen_plan, preparation, registration
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
    "multiverse": [
        {"name": "nobody left out", "exclusions": []},
        {"name": "stricter", "exclusions": [{"rule": "catch_ratio", "parameters": {"at_least": 1.0}}]},
    ],
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


@pytest.fixture
def study(db):
    return factories.ready_study(preregistration=PLAN)


def test_the_texts_say_all_that_was_declared_and_that_the_stamp_is_our_own(study, tmp_path, capsys):
    call_command("preregister", study.slug, "--out", str(tmp_path))
    osf, asked = ((tmp_path / name).read_text() for name in ("osf.txt", "aspredicted.txt"))
    for said in (
        PLAN["hypotheses"][0],
        "16 participants are to be analysed.",
        "Looks at 50 %, 100 % of the information (the share of planned participants), O’Brien-Fleming-like",
        "The smallest effect of interest is 10 percentage points. Less would not change which method we use.",
        "A. B. expects 70 % under trained.",
        "nobody left out: no rules.",
        "stricter: catch_ratio with at_least = 1.0.",
        "Compared are trained − shuffled.",
        "No data have been collected for this study yet.",
    ):
        assert said in osf
        assert said in asked
    assert asked.count("\n\n") >= 17
    assert "Not frozen yet" in osf
    assert "No power analysis was made." in (tmp_path / "registered_report.html").read_text()
    preparation.launch(study)
    call_command("preregister", study.slug, "--out", str(tmp_path))
    assert f"sha256 {study.hash}" in (tmp_path / "osf.txt").read_text()
    assert "made by the program itself, which proves nothing to others" in (tmp_path / "osf.txt").read_text()
    assert json.loads((tmp_path / "plan.json").read_text())["hash"] == study.hash


def test_the_registered_report_holds_power_and_an_analysis_of_simulated_data(study, tmp_path):
    given = ["--participants", "20,40", "--items", "8", "--simulations", "60"]
    call_command("power", study.slug, *given)
    call_command("preregister", study.slug, "--out", str(tmp_path))
    html = (tmp_path / "registered_report.html").read_text()
    assert "<title>Power by participants and items</title>" in html
    assert "SIMULATED." in html
    assert "Simulated participants were right" in html or "no clear difference" in html
    assert "(95 % Wilson" in html


def test_what_others_registered_is_attached_to_the_frozen_study(study, tmp_path):
    with pytest.raises(CommandError, match="is not frozen: launch it first"):
        call_command("preregister", study.slug, "--osf", "osf.io/ab1c2")
    preparation.launch(study)
    with pytest.raises(CommandError, match="is no OSF id; it should be five letters or digits"):
        call_command("preregister", study.slug, "--osf", "geese-study")
    call_command("preregister", study.slug, "--osf", "https://osf.io/ab1c2/")
    token = tmp_path / "token.tsr"
    token.write_bytes(b"\x30\x82" + bytes(40))
    with pytest.raises(CommandError, match=f"ask for one of sha256 {study.hash}"):
        call_command("preregister", study.slug, "--token", str(token))
    token.write_bytes(b"\x30\x82\x00\x30" + bytes.fromhex(study.hash) + bytes(8))
    call_command("preregister", study.slug, "--token", str(token))
    found = frozen_plan.plan(study)["registrations"]
    assert [one["kind"] for one in found] == ["OSF", "RFC 3161 token"]
    assert found[0]["id"] == "osf.io/ab1c2"
    assert base64.b64decode(found[1]["token"]) == token.read_bytes()
    assert "Registered as OSF osf.io/ab1c2" in registration.time_stamp(study)
