"""The exported files hold every answer, are safe to open, and give the same numbers when they are read back."""

import csv
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import plugins
from attribution.spreadsheets import neutralised, original
from study import exports, frames, tables
from study.models import Response
from tests.study.answered_study import answered_study, participant

COLUMNS = (  # noqa: SIM905
    "participant item condition trial_type phase position attempt response answer_key correct rating winner loser tie "
    "response_ms is_timed_out excluded_by origin"
).split()


@given(st.text())
def test_a_text_cell_is_harmless_and_comes_back_exactly(text):
    written = neutralised(text)
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert original(written) == text


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
            st.one_of(st.none(), st.booleans()),
        )
    )
)
def test_a_table_comes_back_exactly(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    columns = {"text": ("string", "", ""), "number": ("number", "", ""), "flag": ("boolean", "", "")}
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(tables.lines(columns, rows))
    found = tables.read(path, columns)
    back = [
        (text, None if number != number else number, flag)
        for text, number, flag in found.itertuples(index=False, name=None)
    ]
    assert back == [tuple(row) for row in rows]


def test_numbers_are_not_touched():
    assert tables.cell(-3.5) == "-3.5"
    assert tables.cell(12.0) == "12"
    assert tables.cell("-3.5") == "'-3.5"
    assert tables.cell(True) == "1"
    assert tables.cell(None) == tables.cell(float("nan")) == ""


@pytest.mark.django_db
def test_responses_have_exactly_the_documented_columns_and_one_row_a_trial(tmp_path):
    study = answered_study(participants=2)
    exports.bundle(study, tmp_path)
    with (tmp_path / "responses.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == COLUMNS
    assert len(rows) == Response.objects.count()
    assert {row[-1] for row in rows} == {"person"}


@pytest.mark.django_db
def test_every_column_of_every_file_is_in_the_codebook(tmp_path):
    exports.bundle(answered_study(participants=1), tmp_path)
    codebook = pd.read_csv(tmp_path / "codebook.csv")
    for name in ("responses.csv", "trials.csv", "participants.csv", "items.csv"):
        described = set(codebook.loc[codebook["file"] == name, "column"])
        assert set(pd.read_csv(tmp_path / name, nrows=0).columns) == described
    assert codebook["meaning"].notna().all()


@pytest.mark.django_db
def test_the_files_give_the_same_findings_as_the_rows(tmp_path):
    study = answered_study(participants=4, exclusions=[{"rule": "catch_ratio", "parameters": {}}], catch_skill=0.7)
    exports.bundle(study, tmp_path)
    from_rows, exclusions, _ = frames.answers(study)
    from_files = tables.analysed(tables.everything(tmp_path))
    assert len(exclusions)
    assert len(from_files.responses) == len(from_rows.responses)
    for name in ("accuracy_by_condition", "rating_by_condition"):
        analysis = plugins.load("study.analysis", name)
        one, other = analysis.analyse(from_rows), analysis.analyse(from_files)
        assert one.estimates == other.estimates
        assert one.tests == other.tests
        assert one.sentence == other.sentence
        assert one.figure == other.figure


@pytest.mark.django_db
def test_excluded_answers_stay_in_the_files_with_the_rule_that_leaves_them_out(tmp_path):
    rules = [{"rule": "participants", "parameters": {"named": ["0000"], "reason": "=cmd|' /C calc'!A0"}}]
    exports.bundle(answered_study(participants=2, exclusions=rules), tmp_path)
    rows = pd.read_csv(tmp_path / "responses.csv", dtype=str)
    assert set(rows.loc[rows["participant"] == "0000", "excluded_by"]) == {"participants"}
    assert rows.loc[rows["participant"] != "0000", "excluded_by"].isna().all()
    people = pd.read_csv(tmp_path / "participants.csv", dtype=str)
    assert people.loc[people["participant"] == "0000", "reason"].iloc[0].startswith("'=cmd")


@pytest.mark.django_db
def test_what_a_participant_typed_cannot_be_a_formula(tmp_path):
    study = answered_study(participants=1)
    one = Response.objects.filter(trial__task="which").first()
    one.columns = {**one.columns, "response": '=HYPERLINK("http://example.org","x")\n@'}
    one.save()
    exports.bundle(study, tmp_path)
    rows = pd.read_csv(tmp_path / "responses.csv", dtype=str)
    assert not rows["response"].dropna().str.startswith(("=", "+", "-", "@")).any()
    assert '=HYPERLINK("http://example.org","x")\n@' in set(
        tables.analysed(tables.everything(tmp_path)).responses["response"]
    )


@pytest.mark.django_db
def test_every_file_of_simulated_answers_says_so(tmp_path):
    study = answered_study(participants=2, origin="simulated")
    for path in exports.bundle(study, tmp_path):
        if path.suffix != ".json":
            assert "simulated" in path.read_text().lower()
    rows = pd.read_csv(tmp_path / "responses.csv", dtype=str)
    assert set(rows["origin"]) == {"simulated"}


@pytest.mark.django_db
def test_previews_and_simulated_rows_beside_persons_are_not_exported(tmp_path):
    study = answered_study(participants=2)
    for origin in ("preview", "simulated"):
        participant(study, study.arm_set.first(), origin, origin=origin)
    exports.bundle(study, tmp_path)
    assert set(pd.read_csv(tmp_path / "participants.csv")["origin"]) == {"person"}


def test_the_files_are_read_without_django(tmp_path):
    code = "import sys; import study.tables; assert 'django' not in sys.modules and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.django_db
def test_memory_does_not_grow_with_the_answers(monkeypatch):
    monkeypatch.setattr(frames, "BATCH", 5)

    def peak(study):
        for _ in exports.responses(study):  # what is cached once is not what grows
            pass
        tracemalloc.start()
        lines = sum(1 for _ in exports.responses(study))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return lines, found

    few = peak(answered_study("few", participants=5))
    many = peak(answered_study("many", participants=50))
    assert many[0] > 9 * few[0]
    assert many[1] < 1.5 * few[1]


@pytest.mark.django_db
def test_how_a_presentation_went_has_the_names_that_the_survey_uses():
    from study.survey.answers import QUALITY

    assert set(tables.QUALITY) == set(QUALITY)
