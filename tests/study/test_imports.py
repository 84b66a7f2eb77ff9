"""Other people's answers: what is read how, and what is refused, with line and column and nothing half imported."""

import json
import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from attribution import plugins
from study import frames, import_mapping, reports
from study.import_mapping import ImportRefusedError
from study.import_rows import FLAGS
from study.imports import import_responses
from study.models import Item, Participant, Response, Study, Trial
from study.statistics.intervals import KINDS
from study.statistics.rounding import RULES

pytestmark = pytest.mark.django_db

MAPPING = """
[columns]
participant = "who"
item = "what"
condition = "how"
correct = "right"
"""
TABLE = """who,what,how,right
007,a,old,1
007,b,old,0
8,a,new,True
8,b,new,false
"""


@pytest.fixture
def bring(tmp_path):
    def run(table=TABLE, mapping=MAPPING, slug="published", encoding="utf-8"):
        (tmp_path / "table.csv").write_bytes(table if isinstance(table, bytes) else table.encode(encoding))
        (tmp_path / "map.toml").write_text(mapping, encoding="utf-8")
        return import_responses(tmp_path / "table.csv", tmp_path / "map.toml", slug)

    return run


def refusal(bring, **given):
    with pytest.raises(ImportRefusedError) as refused:
        bring(**given)
    assert not Study.objects.exists()
    assert not Participant.objects.exists()
    return str(refused.value)


def rows_of(study):
    return frames.answers(study)[0].responses


def test_a_table_becomes_a_study_with_its_rows(bring):
    study = bring()
    assert study.state == Study.State.IMPORTED
    rows = rows_of(study)
    assert list(rows["participant"]) == ["007", "007", "8", "8"]
    assert list(rows["correct"]) == [True, False, True, False]
    assert list(rows["condition"]) == ["old", "old", "new", "new"]
    assert set(rows["origin"]) == {"imported"}
    assert set(rows["phase"]) == {"main"}
    counts = frames.answers(study)[2]
    assert counts["participants"]["imported"] == 2
    assert counts["responses"]["imported"] == 4


def test_the_default_analyses_are_what_the_columns_allow(bring):
    mapping = MAPPING + 'rating = "stars"\ncovariates = { size = "size" }\n'
    study = bring("who,what,how,right,stars,size\n1,a,x,1,4,0.5\n", mapping)
    named = [one["name"] for one in study.document["analysis"]["analyses"]]
    assert named == ["accuracy_by_condition", "rating_by_condition", "rank_correlation"]


def test_an_analysis_may_have_parameters_of_its_own_and_conditions_roles(bring):
    report = """
[report]
control = "old"
positive_control = "new"
alpha = 0.01
analyses = ["accuracy_by_condition",
            { name = "equivalence", parameters = { first = "old", second = "new", margin = 5, alpha = 0.05 } }]
"""
    document = bring(mapping=MAPPING + report).document
    assert document["analysis"]["analyses"] == [
        {"name": "accuracy_by_condition", "parameters": {"alpha": 0.01, "control": "old"}},
        {"name": "equivalence", "parameters": {"alpha": 0.05, "first": "old", "second": "new", "margin": 5}},
    ]
    roles = [(one["name"], one["role"]) for one in document["conditions"]]
    assert roles == [("old", "blind_control"), ("new", "positive_control")]


SPLIT = """who,what,how,right,network,kind,deletion
1,a,old,1,True,goose,0.1
1,b,old,0,False,goose,0.3
1,c,old,1,True,lemon,0.2
2,a,new,0,False,goose,0.6
2,b,new,1,True,goose,0.4
2,c,new,0,,lemon,0.5
"""


def test_what_stands_beside_answers_splits_them_by_network_class_and_metric(bring, tmp_path):
    """Each method with a network of its own, which is right about one item and wrong about it under another."""
    covariates = 'covariates = { network_is_right = "network", truth_class = "kind", deletion = "deletion" }\n'
    metric = '{ name = "faithfulness_against_sense", parameters = { metric = "deletion" } }'
    report = f'[report]\nanalyses = ["by_network_outcome", "by_item_and_class", {metric}]\n'
    reports.write(bring(SPLIT, MAPPING + covariates + report), tmp_path / "report")
    split, classes, metrics = json.loads((tmp_path / "report" / "results.json").read_text())["findings"]
    shares = {one["term"]: (one["estimate"], one["responses"]) for one in split["estimates"] if not one["condition"]}
    assert (shares["network right"], shares["network wrong"]) == ((1.0, 3), (0.0, 2))
    goose = [one for one in classes["estimates"] if one["term"] == "class goose"]
    assert [(one["condition"], one["estimate"], one["responses"]) for one in goose] == [
        ("old", 0.5, 2),
        ("new", 0.5, 2),
    ]
    within = next(one for one in metrics["estimates"] if "within" in one["term"])
    assert within["estimate"] == pytest.approx(-0.866, abs=1e-3)  # of (.1, .3, .2) with (1, 0, 1), and of the others


def test_an_item_of_two_classes_is_told(bring, tmp_path):
    covariates = 'covariates = { truth_class = "kind" }\n[report]\nanalyses = ["by_item_and_class"]\n'
    reports.write(bring(SPLIT.replace("2,a,new,0,False,goose", "2,a,new,0,False,swan"), MAPPING + covariates), tmp_path)
    (finding,) = json.loads((tmp_path / "results.json").read_text())["findings"]
    assert finding["sentence"] == "The item “a” has several values in the column “truth_class”: goose, swan."


def test_response_and_key_make_correct(bring):
    mapping = '[columns]\nparticipant = "who"\nresponse = "said"\nanswer_key = "truth"\n'
    study = bring("who,said,truth\n1,goose,goose\n1,duck,goose\n2,,goose\n", mapping)
    rows = rows_of(study)
    assert list(rows["correct"]) == [True, False, None]
    assert study.document["import"]["flags"] == {"without_answer": 1}


def test_responses_alone_are_held_against_each_other(bring, tmp_path):
    mapping = '[columns]\nparticipant = "who"\nitem = "what"\nresponse = "said"\n'
    named = [
        ("goose", "goose", "swan"),
        ("lemon", "lemon", "lemon"),
        ("kettle", "", "kettle"),
        ("swan", "swan", "swan"),
    ]
    rows = [f"{who},{what},{said}" for what, all_said in enumerate(named * 5) for who, said in enumerate(all_said)]
    study = bring("who,what,said\n" + "\n".join(rows) + "\n", mapping)
    assert [one["name"] for one in study.document["analysis"]["analyses"]] == ["agreement"]
    assert study.document["import"]["flags"] == {"without_answer": 5}
    reports.write(study, tmp_path)
    (finding,) = json.loads((tmp_path / "results.json").read_text())["findings"]
    # Krippendorff's alpha by hand: 5 x 2 disagreements among 55 answers, of which 10, 20, 15 and 10 are alike.
    alpha = finding["estimates"][0]["estimate"]
    assert alpha == pytest.approx(1 - (10 / 55) / (1 - (10 * 9 + 20 * 19 + 15 * 14 + 10 * 9) / (55 * 54)))
    assert finding["sentence"].startswith("People agree enough for tentative conclusions")


def test_values_are_recoded_as_text_whatever_their_case(bring):
    mapping = MAPPING + '[values.correct]\n"Right" = 1\n"wrong" = 0\n[values.condition]\nO = "old method"\n'
    rows = rows_of(bring("who,what,how,right\n1,a,O,right\n2,a,n,Wrong\n", mapping))
    assert list(rows["correct"]) == [True, False]
    assert set(rows["condition"]) == {"old method", "n"}


def test_covariates_are_recoded_too(bring):
    mapping = MAPPING + 'covariates = { network_is_right = "ai" }\n[values.network_is_right]\nright = 1\nwrong = 0\n'
    rows = rows_of(bring("who,what,how,right,ai\n1,a,o,1,Right\n1,b,o,0,wrong\n", mapping))
    assert list(rows["network_is_right"]) == [1.0, 0.0]


def test_keep_compares_as_text_and_counts_what_it_leaves_out(bring):
    mapping = MAPPING + '[keep]\nshown = [true, 2]\nhow = ["old"]\n'
    study = bring("who,what,how,right,shown\n1,a,old,1,True\n1,b,old,1,2\n1,c,old,1,no\n2,a,new,1,True\n", mapping)
    assert len(rows_of(study)) == 2
    assert study.document["import"]["flags"] == {"not_kept": 2}


def test_the_phase_may_be_told_by_several_columns(bring):
    """As in Borowski et al. 2021: practice and repeated trials in one column, catch trials in another."""
    table = """who,what,how,right,kind,catch
1,a,old,1,main,False
1,b,old,0,practice,False
1,c,old,0,main,TRUE
1,a,old,1,repeated,False
1,d,old,0,practice,True
"""
    phases = """[phase]
practice = { kind = ["practice"] }
repeat = { kind = ["repeated"] }
catch = { kind = ["main"], catch = [true] }
"""
    rule = '[[exclude]]\nrule = "catch_ratio"\n'
    study = bring(table, MAPPING + phases + rule)
    told = Trial.objects.filter(participant__study=study).order_by("position").values_list("phase", flat=True)
    assert list(told) == ["main", "practice", "catch", "repeat", "practice"]
    assert [one["rule"] for one in frames.answers(study)[1].to_dict("records")] == ["catch_ratio"]


def test_ids_are_text_whatever_they_look_like(bring):
    rows = rows_of(bring("who,what,how,right\n007,1.0,x,1\n7,1,x,1\n1e3,=1+1,x,1\n"))
    assert set(rows["participant"]) == {"007", "7", "1e3"}
    assert set(rows["item"]) == {"1.0", "1", "=1+1"}


def test_response_times_are_in_milliseconds_and_odd_ones_are_missing_and_counted(bring):
    mapping = MAPPING + 'response_ms = { column = "rt", unit = "s" }\nis_timed_out = "late"\n'
    study = bring("who,what,how,right,rt,late\n1,a,x,1,1.5,0\n1,b,x,0,-2,0\n1,c,x,1,,1\n", mapping)
    rows = rows_of(study)
    assert rows["response_ms"].iloc[0] == 1500
    assert rows["response_ms"].isna().sum() == 2
    assert study.document["import"]["flags"] == {
        "absent_response_time": 1,
        "negative_response_time": 1,
        "timed_out": 1,
    }


def test_flags_stand_in_the_results_and_in_the_report(bring, tmp_path):
    mapping = MAPPING + 'response_ms = "rt"\n'
    study = bring("who,what,how,right,rt\n1,a,x,1,-5\n2,a,x,0,9\n3,a,x,1,8\n", mapping)
    report = reports.write(study, tmp_path / "out")
    assert report.results["counts"]["flags"] == {"negative_response_time": 1}
    assert "1 response time is negative and counts as missing." in report.html
    assert "These are other people’s answers" in report.html


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_and_a_byte_order_mark_are_read(bring, delimiter):
    study = bring(TABLE.replace(",", delimiter), encoding="utf-8-sig")
    assert len(rows_of(study)) == 4


def test_a_mapping_may_begin_with_a_byte_order_mark(bring):
    study = bring(mapping="\ufeff" + MAPPING)
    assert study.document["import"]["mapping"] == MAPPING


def test_cells_may_hold_delimiters_quotes_and_lines(bring):
    rows = rows_of(bring('who,what,how,right\n1,"a, ""b""\nc",x,1\n'))
    assert rows["item"].iloc[0] == 'a, "b"\nc'


def test_a_condition_that_varies_within_participants_has_to_be_declared(bring):
    table = "who,what,how,right\n1,a,old,1\n2,a,old,1\n1,b,new,0\n"
    said = refusal(bring, table=table)
    assert "Line 4 (row 3 of the data), column “how”: participant “1” is in “old” and in “new”" in said
    assert "paired = true" in said
    study = bring(table, MAPPING + "[report]\npaired = true\n")
    assert study.arm_set.count() == 1


def test_preferences_with_ties(bring):
    mapping = '[columns]\nparticipant = "who"\nitem = "what"\nwinner = "w"\nloser = "l"\ntie = "t"\n'
    rows = rows_of(bring("who,what,w,l,t\n1,a,x,y,0\n1,b,x,y,1\n", mapping))
    assert list(rows["tie"]) == [False, True]


PAIRS = '[columns]\nparticipant = "who"\nitem = "what"\nfirst = "left"\nsecond = "right"\nchoice = "best"\n'


def test_a_pair_and_the_choice_in_it_become_winner_loser_and_tie(bring):
    table = "who,what,left,right,best\n1,a,x,y,L\n1,b,x,y,r\n1,c,x,y,same\n1,d,x,y,y\n1,e,x,y,\n1,e,y,z,\n"
    study = bring(table, PAIRS + '[values.choice]\nL = "first"\nR = "second"\nsame = "tie"\n')
    rows = rows_of(study).astype(object)
    assert list(rows["winner"].iloc[:4]) == ["x", "y", "x", "y"]
    assert list(rows["loser"].iloc[:4]) == ["y", "x", "y", "x"]
    assert list(rows["tie"].iloc[:4]) == [False, False, True, False]
    assert rows["winner"].iloc[4:].isna().all()
    assert study.document["import"]["flags"] == {"without_answer": 2}
    assert study.document["analysis"]["primary"] == "preference"


def test_a_side_that_is_always_preferred_is_known_from_the_pair(bring):
    pairs = ["x,y", "y,x"]
    table = "".join(f"1,a{k},{pairs[k % 2]},first\n2,a{k},{pairs[k % 2]},x\n" for k in range(10))
    study = bring("who,what,left,right,best\n" + table, PAIRS + '[[exclude]]\nrule = "side_bias"\n')
    (left_out,) = frames.answers(study)[1].to_dict("records")
    assert (left_out["participant"], left_out["rule"]) == ("1", "side_bias")
    assert left_out["reason"] == "10 of 10 answers were the first picture; at most 90% may be alike."


@pytest.mark.parametrize("word", ["tie", "second", "NA"])
def test_the_name_of_one_of_a_pair_comes_before_the_words(bring, word):
    rows = rows_of(bring(f"who,what,left,right,best\n1,a,{word},y,{word}\n", PAIRS))
    assert list(rows["winner"]) == [word]
    assert list(rows["loser"]) == ["y"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8"])
def test_the_file_s_encoding_can_be_named(bring, encoding):
    study = bring(TABLE.replace("old", "früher"), MAPPING + f'[file]\nencoding = "{encoding}"\n', encoding=encoding)
    assert "früher" in set(rows_of(study)["condition"])


def test_a_file_that_begins_with_the_mark_of_utf_16_needs_no_name(bring):
    assert len(rows_of(bring(TABLE.replace(",", "\t"), encoding="utf-16"))) == 4


def test_a_named_utf_8_may_begin_with_a_mark(bring):
    assert len(rows_of(bring(mapping=MAPPING + '[file]\nencoding = "UTF8"\n', encoding="utf-8-sig"))) == 4


def test_a_comma_may_stand_before_the_fraction(bring):
    mapping = '[file]\ndecimal = ","\n' + MAPPING + 'rating = "r"\ncovariates = { size = "s" }\n'
    rows = rows_of(bring("who;what;how;right;r;s\n1;a;x;1;2,5;0,25\n1;b;x;1;3;1\n", mapping))
    assert list(rows["rating"]) == [2.5, 3]
    assert list(rows["size"]) == [0.25, 1]


def test_lines_below_the_header_are_left_out_by_what_stands_in_them(bring):
    table = "who,what,how,right,Finished\nQ1,Q2,Q3,Q4,Finished\n" + '"{""ImportId"":1}",b,c,d,"{}"\n1,a,x,1,True\n'
    rows = rows_of(bring(table, MAPPING + '[keep]\nFinished = ["True", "1"]\n'))
    assert list(rows["participant"]) == ["1"]


def test_the_closing_line_of_gorillas_tables_is_no_row(bring):
    assert "Line 6" in refusal(bring, table=TABLE + "END OF TABLE\n")
    assert len(rows_of(bring(TABLE + "END OF FILE\n"))) == 4


def test_exclusions_of_the_mapping_are_applied_and_said(bring):
    mapping = MAPPING + (
        '[[exclude]]\nrule = "accuracy_at_most"\nvalue = 0.5\n'
        '[[exclude]]\nparticipants = [3]\nreason = "Asked to be left out."\n'
    )
    table = TABLE + "3,a,new,1\n3,b,new,1\n4,a,new,1\n4,b,new,1\n"
    _, exclusions, counts = frames.answers(bring(table, mapping))
    assert dict(zip(exclusions["participant"], exclusions["rule"], strict=True)) == {
        "007": "accuracy_at_most", "8": "accuracy_at_most", "3": "participants",
    }  # fmt: skip
    assert counts["participants"]["analysed"] == 1


def test_a_reason_beside_a_rule_is_told_with_the_rules_own(bring):
    mapping = MAPPING + '[[exclude]]\nrule = "accuracy_at_most"\nvalue = 0.5\nreason = "As the authors did."\n'
    study = bring(TABLE + "4,a,new,1\n4,b,new,1\n", mapping)
    _, exclusions, _ = frames.answers(study)
    assert len(exclusions) == 2
    assert all(re.search(r"\. As the authors did\.$", reason) for reason in exclusions["reason"])


def test_nobody_is_left_out_by_times_that_the_table_does_not_have(bring):
    study = bring(mapping=MAPPING + '[[exclude]]\nrule = "time_bounds"\nleast_minutes = 3\n')
    answers, left_out, _ = frames.answers(study)
    assert left_out.empty
    assert answers.participants[["started_at", "completed_at"]].isna().all(axis=None)


def test_names_to_leave_out_that_nobody_has_are_counted_and_told(bring):
    study = bring(mapping=MAPPING + '[[exclude]]\nparticipants = ["007", "nobody"]\nreason = "As asked."\n')
    assert study.document["import"]["flags"]["unknown_excluded"] == 1
    assert frames.answers(study)[2]["participants"]["excluded"] == 1


def test_a_number_is_the_same_answer_however_it_is_written(bring):
    mapping = '[columns]\nparticipant = "who"\nitem = "what"\nresponse = "said"\nanswer_key = "true"\n'
    table = "who,what,said,true\n1,a,3,3.0\n1,b,3,3.5\n1,c,goose,goose\n1,d,none,null\n"
    table += "1,e,90071992547409930,90071992547409931\n1,f,03,3\n"
    assert list(rows_of(bring(table, mapping))["correct"]) == [True, False, True, False, False, True]


def test_chance_reaches_the_analysis(bring):
    study = bring(mapping=MAPPING + "[report]\nchance = 0.25\n")
    assert set(rows_of(study)["chance"]) == {0.25}


def test_a_scale_that_is_not_declared_is_not_taken_from_the_ratings(bring, tmp_path):
    rows = "".join(
        f"p{k},a{j},{('old', 'new')[k % 2]},{(k * 3 + j * 5) % 4 + 2 + k % 2}\n" for k in range(8) for j in range(5)
    )
    mapping = MAPPING.replace('correct = "right"', 'rating = "right"')
    left_out = '[[exclude]]\nparticipants = ["p3"]\nreason = "Asleep."\n'
    written = reports.write(bring("who,what,how,right\n" + rows, mapping + left_out), tmp_path / "report")
    results = json.loads((tmp_path / "report" / "results.json").read_text())
    assert {one["unit"] for one in results["effects"]} == {"difference on a rating scale whose ends are not known"}
    assert "scale from" not in written.html
    assert "What those who were lost could change" not in written.html  # nothing bounds what they would have said


def test_positions_order_a_participants_trials(bring):
    study = bring("who,what,how,right,at\n1,a,x,1,9\n1,b,x,0,3.0\n", MAPPING + 'position = "at"\n')
    assert list(rows_of(study)["item"]) == ["b", "a"]


REFUSED = [
    (
        "an unknown column",
        {"mapping": MAPPING.replace('"right"', '"wrong"')},
        "[columns] correct: there is no column “wrong” in the file; there are: who, what, how, right.",
    ),
    ("a column twice", {"table": TABLE.replace("what,how", "who,how")}, "the file has 2 columns named “who”"),
    ("a key of ours that is none", {"mapping": MAPPING + 'colour = "how"\n'}, "[columns] colour is none of ours"),
    ("no participant", {"mapping": '[columns]\ncorrect = "right"\n'}, "participant is missing"),
    ("nothing to analyse", {"mapping": '[columns]\nparticipant = "who"\n'}, "should name correct, or response (and"),
    ("a winner alone", {"mapping": '[columns]\nparticipant = "who"\nwinner = "how"\n'}, "winner needs loser"),
    (
        "a value that cannot be read",
        {"table": TABLE.replace("False", "x").replace("false", "maybe")},
        "Line 5 (row 4 of the data), column “right”: “maybe” is neither 1 nor 0",
    ),
    (
        "a number that is none",
        {"mapping": MAPPING + 'rating = "what"\n'},
        "Line 2 (row 1 of the data), column “what”: “a” is not a number",
    ),
    (
        "a rating outside its scale",
        {
            "table": "who,what,how,right,stars\n1,a,x,1,7\n1,b,x,1,8\n",
            "mapping": MAPPING + 'rating = "stars"\n[scale]\nrating = [1, 7]\n',
        },
        "Line 3 (row 2 of the data), column “stars”: 8 is outside the scale from 1 to 7.",
    ),
    (
        "a double",
        {"table": TABLE + "007,a,old,0\n"},
        "Line 6 (row 5 of the data) repeats line 2: the same participant, item and condition.",
    ),
    (
        "a double pair",
        {
            "table": "who,what,w,l\n1,a,x,y\n1,a,y,x\n",
            "mapping": '[columns]\nparticipant = "who"\nitem = "what"\nwinner = "w"\nloser = "l"\n',
        },
        "repeats line 2: the same participant, item and pair.",
    ),
    (
        "a double trial",
        {"table": TABLE.replace("007,b", "007,c"), "mapping": MAPPING + 'trial = "how"\n'},
        "repeats line 2: the same participant and trial.",
    ),
    (
        "an empty participant",
        {"table": TABLE.replace("007,a", ",a")},
        "Line 2 (row 1 of the data), column “who”: it is empty.",
    ),
    (
        "a comparison with itself",
        {"table": "who,w,l\n1,x,x\n", "mapping": '[columns]\nparticipant = "who"\nwinner = "w"\nloser = "l"\n'},
        "“x” is compared with itself",
    ),
    ("a ragged row", {"table": TABLE + "9,a\n"}, "Line 6 (row 5 of the data) has 2 cells, but the header has 4."),
    ("an empty file", {"table": ""}, "The file is empty"),
    ("a header alone", {"table": "who,what,how,right\n"}, "The file has no rows."),
    ("nothing kept", {"mapping": MAPPING + '[keep]\nhow = ["other"]\n'}, "The file has no rows that [keep] keeps."),
    (
        "an unknown column to keep",
        {"mapping": MAPPING + '[keep]\nphase = ["main"]\n'},
        "[keep] phase: there is no column “phase”",
    ),
    ("a picture", {"table": b"\x89PNG\r\n\x1a\n\xff"}, "is not a text file in UTF-8"),
    ("an unclosed quote", {"table": 'who,what,how,right\n1,a,x,1\n1,"b,x,1\n2,c,y,1\n'}, "table: from line 3 on,"),
    ("a mapping that is not TOML", {"mapping": "[columns\n"}, "map.toml is not TOML"),
    ("an unknown section", {"mapping": MAPPING + "[colums]\n"}, "[colums] is not a section of a mapping"),
    ("an unknown key of the report", {"mapping": MAPPING + "[report]\ninterwal = 1\n"}, "[report] has no “interwal”"),
    (
        "an unknown interval",
        {"mapping": MAPPING + '[report]\ninterval = "sem"\n'},
        "“sem” is no interval; there are: two_way_95",
    ),
    (
        "an unknown rounding",
        {"mapping": MAPPING + '[report]\nrounding = "up"\n'},
        "rounding should be one of: half_even",
    ),
    ("an unknown analysis", {"mapping": MAPPING + '[report]\nanalyses = ["anova"]\n'}, "there is no “anova”"),
    (
        "an unknown rule",
        {"mapping": MAPPING + '[[exclude]]\nrule = "slow"\n'},
        "there is no rule “slow”; there are: accuracy_at_most",
    ),
    (
        "a rule's unknown parameter",
        {"mapping": MAPPING + '[[exclude]]\nrule = "catch_ratio"\nbelow = 1\n'},
        "has no parameter “below”",
    ),
    ("names without a reason", {"mapping": MAPPING + '[[exclude]]\nparticipants = ["8"]\n'}, "needs a reason"),
    (
        "a chance that is none",
        {"mapping": MAPPING + "[report]\nchance = 50\n"},
        "chance should be a number between 0 and 1",
    ),
    (
        "a recoded column that is not mapped",
        {"mapping": MAPPING + "[values.rating]\na = 1\n"},
        "[values.rating] recodes a column",
    ),
    ("a scale upside down", {"mapping": MAPPING + "[scale]\nrating = [7, 1]\n"}, "its two ends"),
    ("an unknown unit", {"mapping": MAPPING + 'response_ms = { column = "how", unit = "min" }\n'}, 'unit = "s"'),
    (
        "an unknown control",
        {"mapping": MAPPING + '[report]\ncontrol = "none"\n'},
        "there is no condition “none”; there are: old, new",
    ),
    (
        "a choice of neither",
        {"table": "who,what,left,right,best\n1,a,x,y,z\n", "mapping": PAIRS},
        "Line 2 (row 1 of the data), column “best”: “z” is neither first, second nor tie, nor one of the pair “x”",
    ),
    (
        "a pair of one, unanswered",
        {"table": "who,what,left,right,best\n1,a,x,x,\n", "mapping": PAIRS},
        "“x” is compared with itself",
    ),
    (
        "a pair twice, the other way round",
        {"table": "who,what,left,right,best\n1,a,x,y,x\n1,a,y,x,x\n", "mapping": PAIRS},
        "repeats line 2: the same participant, item and pair.",
    ),
    ("a pair without a choice", {"mapping": PAIRS.replace("choice", "tie")}, "choice is missing: first, second and"),
    (
        "a pair and a winner",
        {"mapping": PAIRS + 'winner = "left"\nloser = "right"\n'},
        "should name either winner and loser, or first, second and choice",
    ),
    ("an encoding that is none", {"mapping": MAPPING + '[file]\nencoding = "rot13"\n'}, "encoding should be the name"),
    ("an encoding in a list", {"mapping": MAPPING + "[file]\nencoding = []\n"}, "encoding should be the name"),
    ("UTF-16 that is none", {"mapping": MAPPING + '[file]\nencoding = "utf-16"\n'}, "is not a text file in utf-16"),
    ("another mark of decimals", {"mapping": MAPPING + '[file]\ndecimal = ";"\n'}, 'decimal should be "." or ","'),
    ("a file in a word", {"mapping": MAPPING + "[file]\nskip = 2\n"}, "[file] has no “skip”; it has: encoding"),
    (
        "a decimal comma that is not named",
        {"table": "who;what;how;right\n1;2,5;x;1\n", "mapping": MAPPING + 'rating = "what"\n'},
        'say so: [file] decimal = ",".',
    ),
    ("a tie of nobody", {"mapping": MAPPING + 'tie = "right"\n'}, "tie needs winner and loser beside it"),
    ("a scale of no rating", {"mapping": MAPPING + "[scale]\nrating = [1, 7]\n"}, "but [columns] names no rating"),
    ("covariates in a list", {"mapping": MAPPING + 'covariates = ["how"]\n'}, "covariates should be {"),
    ("values in a list", {"mapping": MAPPING + "[values]\ncorrect = [1]\n"}, "what each of their values means"),
    (
        "a phase that is none",
        {"mapping": MAPPING + '[phase]\nlater = { how = ["old"] }\n'},
        "[phase] later is no phase",
    ),
    ("a phase by no values", {"mapping": MAPPING + '[phase]\ncatch = "how"\n'}, "[phase] catch should say by which"),
    (
        "a phase by a column that is not there",
        {"mapping": MAPPING + "[phase]\ncatch = { hwo = [1] }\n"},
        "[phase] catch: hwo: there is no column “hwo” in the file; there are: who, what",
    ),
    ("a phase told twice", {"mapping": MAPPING + 'phase = "how"\n[phase]\ncatch = { how = [1] }\n'}, "one is needed"),
    ("an analysis in a list", {"mapping": MAPPING + "[report]\nanalyses = [[]]\n"}, "analyses should hold names, or {"),
    (
        "an analysis with an interval that is none",
        {"mapping": MAPPING + '[report]\nanalyses = [{ name = "preference", parameters = { interval = "sd" } }]\n'},
        "[report] analyses: “preference”: interval “sd” is no interval",
    ),
    (
        "an analysis without replicates",
        {"mapping": MAPPING + '[report]\nanalyses = [{ name = "agreement", parameters = { replicates = 0 } }]\n'},
        "[report] analyses: “agreement”: replicates should be a whole number, 1 or more.",
    ),
    ("a negative seed", {"mapping": MAPPING + "[report]\nseed = -1\n"}, "seed should be a whole number, 0 or more"),
    (
        "a parameter that the analysis lacks",
        {"mapping": MAPPING + '[report]\nanalyses = [{ name = "counts", parameters = { first = "old" } }]\n'},
        "[report] analyses: “counts” has no parameter “first”; it has: task",
    ),
    (
        "a positive control that nobody saw",
        {"mapping": MAPPING + '[report]\npositive_control = "photo"\n'},
        "[report] positive_control: there is no condition “photo”; there are: old, new.",
    ),
    (
        "one control for both",
        {"mapping": MAPPING + '[report]\ncontrol = "old"\npositive_control = "old"\n'},
        "control and positive_control should be two conditions",
    ),
    ("pairs by a word", {"mapping": MAPPING + '[report]\npaired = "yes"\n'}, "should be true or false"),
    ("a name that is no slug", {"slug": "Published Data"}, "should be lower-case letters"),
]


@pytest.mark.parametrize(("given", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_it_refuses(bring, given, said):
    assert said in refusal(bring, **given)


def test_it_refuses_a_slug_that_is_taken_and_leaves_that_study_alone(bring):
    bring()
    before = Response.objects.count()
    with pytest.raises(ImportRefusedError, match="There is a study “published” already"):
        bring()
    assert Response.objects.count() == before


def test_all_problems_are_named_up_to_twenty(bring):
    table = "who,what,how,right\n" + "".join(f"1,{k},x,perhaps\n" for k in range(30))
    said = refusal(bring, table=table).splitlines()
    assert len(said) == 21
    assert "first 20 problems" in said[-1]


def test_a_failure_while_storing_leaves_nothing(bring, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Response.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        bring()
    assert not Study.objects.exists()
    assert not Item.objects.exists()
    assert not Trial.objects.exists()


def test_the_command_says_what_it_did_and_exits_with_words(bring, tmp_path, capsys):
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "m.toml").write_text(MAPPING)
    call_command("import_responses", str(tmp_path / "t.csv"), "--mapping", str(tmp_path / "m.toml"), "--study", "mine")
    assert "Imported 4 responses of 2 participants as “mine”" in capsys.readouterr().out
    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command(
            "import_responses", str(tmp_path / "t.csv"), "--mapping", str(tmp_path / "m.toml"), "--study", "mine"
        )
    with pytest.raises(CommandError, match="There is no file"):
        call_command("import_responses", "nowhere.csv", "--mapping", str(tmp_path / "m.toml"), "--study", "other")


DOCS = Path(settings.BASE_DIR) / "docs" / "import_responses.md"


def test_the_documentation_names_every_key_and_its_example_is_a_mapping():
    text = DOCS.read_text(encoding="utf-8")
    for name in (*import_mapping.COLUMNS, *import_mapping.SECTIONS, *import_mapping.REPORT):
        assert f"`{name}`" in text or f"`[{name}]`" in text or f"`[[{name}]]`" in text, name
    for name in (*plugins.names("study.exclusions"), *KINDS, *RULES):
        assert f"`{name}`" in text, name
    for _, words in FLAGS.values():
        assert words in text
    examples = text.split("```toml\n")[1:]
    assert examples
    for example in examples:
        import_mapping.check(tomllib.loads(example.split("```")[0]))


# Published numbers ---------------------------------------------------------------------------------------------------

HUMAN = Path(settings.BASE_DIR).parent / "shared" / "data" / "human"
MAPPINGS = Path(settings.BASE_DIR) / "fixtures" / "reference" / "mappings"
published = pytest.mark.skipif(not HUMAN.exists(), reason="the published raw data are not in ../shared/data/human")

WIN_RATES = {
    "image": "lime 47.7, anchor 38.9, shap 33.7, saliencymap 39.4, gradcampp 50.8, example 89.6",
    "text": "lime 70.4, anchor 25.8, shap 59.9, example 43.7",
    "audio": "shap 34.7, saliencymap 46.1, gradcampp 48.1, example 70.9",
    "ecg": "shap 32.8, saliencymap 40.4, gradcampp 42.0, example 84.8",
}
ACCURACIES = {
    "cub": "ResNet-50 65.50±7.46, kNN 64.75±7.14, EMD-NN 64.12±7.07, EMD-Corr 67.64±7.44, CHM-NN 65.72±8.14, "
    "CHM-Corr 69.72±9.08",
    "imagenet": "ResNet-50 81.56±5.54, kNN 75.76±8.55, EMD-NN 77.72±8.27, EMD-Corr 78.87±6.57, CHM-NN 77.56±6.91, "
    "CHM-Corr 77.23±7.56",
}
CORRELATIONS = {"en": (7500, 50, ".774"), "de": (3750, 25, ".615"), "correction": (9000, 60, ".718")}


def reproduced(table, mapping, tmp_path):
    study = import_responses(HUMAN / table, MAPPINGS / f"{mapping}.toml", "reproduced")
    reports.write(study, tmp_path)
    return json.loads((tmp_path / "results.json").read_text())


@published
@pytest.mark.parametrize("domain", WIN_RATES)
def test_the_win_rates_of_jeyakumar_2020_come_out_as_published(domain, tmp_path):
    found = reproduced("jeyakumar2020/comparisons.csv", f"jeyakumar2020_{domain}", tmp_path)
    shown = {one["condition"]: one["shown"] for one in found["findings"][0]["estimates"]}
    assert shown == dict(pair.split() for pair in WIN_RATES[domain].split(", "))


@published
@pytest.mark.parametrize(("part", "file"), [("cub", "CUB"), ("imagenet", "ImageNet")])
def test_the_accuracies_of_taesiri_2022_come_out_as_published(part, file, tmp_path):
    found = reproduced(f"taesiri2022/{file}-Human-Study-Summary.csv", f"taesiri2022_{part}", tmp_path)
    estimates = [one for one in found["findings"][0]["estimates"] if one["condition"]]
    shown = {one["condition"]: one["shown"].replace(" ", "") for one in estimates}
    assert shown == dict(pair.split() for pair in ACCURACIES[part].split(", "))
    assert {one["interval"] for one in estimates} == {"SD over participants"}
    raters = {"cub": 362, "imagenet": 360}[part]
    assert found["counts"]["participants"]["imported"] == raters
    assert found["counts"]["responses"]["imported"] == 30 * raters


@published
def test_taesiri_2022_is_split_by_whether_each_classifier_was_right(tmp_path):
    """Against the shares of the raw table: the classifiers of the methods are right on different photos."""
    path = HUMAN / "taesiri2022" / "CUB-Human-Study-Summary.csv"
    table = pd.read_csv(path)
    (tmp_path / "map.toml").write_text("""
        [columns]
        participant = "UID"
        item = "Query"
        condition = "Method"
        correct = "Correctness"
        covariates = { network_is_right = "ClassifierCorrectness" }
        [report]
        analyses = ["by_network_outcome"]
    """)
    reports.write(import_responses(path, tmp_path / "map.toml", "split"), tmp_path / "report")
    (finding,) = json.loads((tmp_path / "report" / "results.json").read_text())["findings"]
    found = {
        (one["condition"], one["term"]): (one["estimate"], one["responses"])
        for one in finding["estimates"]
        if one["term"] in ("network right", "network wrong")
    }
    for name, own in [(None, table), *table.groupby("Method")]:
        for term, is_right in (("network right", 1), ("network wrong", 0)):
            answers = own.loc[own["ClassifierCorrectness"] == is_right, "Correctness"]
            assert found[name, term] == (pytest.approx(answers.mean()), len(answers))


@published
@pytest.mark.parametrize("part", CORRELATIONS)
def test_the_correlations_and_counts_of_schuff_2022_come_out_as_published(part, tmp_path):
    rows, raters, rho = CORRELATIONS[part]
    found = reproduced(f"schuff2022/responses_{part}.csv", f"schuff2022_{part}", tmp_path)
    overall = next(one for one in found["findings"][0]["estimates"] if one["condition"] is None)
    assert (overall["shown"], overall["term"]) == (rho, "saliency")
    assert found["counts"]["responses"]["imported"] == rows
    assert found["counts"]["participants"]["imported"] == raters
    by_condition = [one["condition"] for one in found["findings"][0]["estimates"] if one["condition"]]
    assert len(by_condition) == (3 if part == "correction" else 0)


@pytest.mark.parametrize(
    ("table", "mapping", "said"),
    [
        (
            "who,what,how,right,late\n" + "".join(f"p{k},a{j},old,,1\n" for k in range(2) for j in range(3)),
            MAPPING + 'is_timed_out = "late"\n',
            "All 6 answers in the main trials timed out, so nothing was answered and nothing can be said.",
        ),
        (
            "who,what,how,right\n" + "".join(f"p{k},a{j},old,0\n" for k in range(2) for j in range(3)),
            MAPPING + '[[exclude]]\nrule = "accuracy_at_most"\nvalue = 0.5\n',
            "Nobody’s answers are analysed, because nobody has completed the study or all were left out",
        ),
        (
            "who,what,a,b,c\n" + "".join(f"p{k},a{j},x,y,tie\n" for k in range(3) for j in range(3)),
            '[columns]\nparticipant = "who"\nitem = "what"\nfirst = "a"\nsecond = "b"\nchoice = "c"\n',
            "Every comparison ended in a tie, so that no object is known to be preferred to another.",
        ),
        (
            "who,what,how,right\np0,a,old,1\np0,b,old,0\n",
            MAPPING,
            "1 participant analysed of 1 imported",
        ),
    ],
)
def test_tables_that_hold_nothing_to_infer_from_have_a_report_that_says_why(bring, tmp_path, table, mapping, said):
    assert said in reports.write(bring(table, mapping), tmp_path / "report").html
