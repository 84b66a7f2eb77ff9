"""A bundle gives its numbers again without Django, and does not agree any more when one digit is changed."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from study import report_texts, reports, reproduction
from tests.study.answered_study import CLASSES, CONDITIONS, PHOTO, answered_study

ROOT = Path(__file__).resolve().parents[2]
RULES = [{"rule": "catch_ratio", "parameters": {}}]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Where the first test that needs it writes a bundle, which nobody changes."""
    return tmp_path_factory.mktemp("written")


@pytest.fixture
def bundle(written, tmp_path, db):
    if not (written / "datapackage.json").exists():
        study = answered_study(participants=5, exclusions=RULES, conditions=(*CONDITIONS, PHOTO), catch_skill=0.8)
        reports.write(study, written)
    return Path(shutil.copytree(written, tmp_path / "bundle"))


def replaced(path, pattern, by):
    text = path.read_bytes().decode()
    changed, count = re.subn(pattern, by, text, count=1)
    assert count
    assert changed != text
    path.write_bytes(changed.encode())


def other_digit(found):
    return f"{found[1]}{(int(found[2]) + 1) % 10}"


def run(folder, *arguments):
    command = [sys.executable, str(folder / "reproduce.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})


def assert_same(found, stored, path=()):
    """Equal but for what another processor's arithmetic rounds otherwise in a number's last digits."""
    if isinstance(stored, dict):
        assert set(found) == set(stored), path
    if isinstance(stored, list):
        assert len(found) == len(stored), path
    if isinstance(stored, float):
        assert found == pytest.approx(stored, rel=1e-9, abs=1e-12, nan_ok=True), path
    elif isinstance(stored, dict | list):
        for key in stored if isinstance(stored, dict) else range(len(stored)):
            assert_same(found[key], stored[key], (*path, key))
    else:
        assert found == stored, path


def test_the_script_gives_the_numbers_of_results_json_and_verifies_them(bundle):
    stored = json.loads((bundle / "results.json").read_text())
    assert stored["exclusions"]
    printed = run(bundle)
    assert printed.returncode == 0, printed.stderr
    found = json.loads(printed.stdout)
    assert_same(found, {key: stored[key] for key in found})
    assert set(stored) - set(found) == {"study", "version", "document_hash", "created_at", "software"}
    verified = run(bundle, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "every number of the report follows from the data" in verified.stdout


def test_the_script_knows_neither_django_nor_torch():
    code = "import sys, study.reproduction; sys.exit(any(name in sys.modules for name in ('django', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_another_word_than_verify_is_refused(bundle, capsys):
    assert reproduction.main(["check"], bundle) == 2
    assert "reproduce.py verify" in capsys.readouterr().err


def test_one_changed_answer_is_found_with_the_numbers_that_it_changes(bundle, capsys):
    path = bundle / "responses.csv"
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    header = rows[0]
    chosen = next(
        row
        for row in rows[1:]
        if row[header.index("correct")] == "1" and row[header.index("phase")] == "main" and not row[-2]
    )
    chosen[header.index("correct")] = "0"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    assert reproduction.main(["verify"], bundle) == 1
    said = capsys.readouterr().out
    condition = chosen[header.index("condition")]
    assert "responses.csv: the file was changed" in said
    assert (
        f"findings 1 (accuracy_by_condition), estimates {[c[0] for c in (*CONDITIONS, PHOTO)].index(condition) + 1}"
        in said
    )
    assert "index.html, section “primary”: the page says" in said


def test_one_changed_digit_of_a_response_time_is_found_by_its_file(bundle):
    replaced(bundle / "responses.csv", r"(,\d+\.)(\d)(?=,)", other_digit)
    assert any(problem.startswith("responses.csv: the file was changed") for problem in reproduction.verify(bundle))


@pytest.mark.parametrize("key", ["estimate", "low", "statistic", "df", "p", "p_adjusted"])
def test_one_changed_digit_of_results_json_is_named(bundle, key):
    replaced(bundle / "results.json", rf'("{key}": -?\d+\.\d{{4}})(\d)', other_digit)
    problems = list(reproduction.verify(bundle))
    assert problems[0].startswith("results.json: the file was changed")
    named = [
        problem for problem in problems if re.match(rf"results\.json, findings 1 \(.*, {key}: the file says", problem)
    ]
    assert len(named) == 1
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("pattern", "where"),
    [
        (r'(class="answer">[^<]*?)(\d)', "answer"),
        (r"(Main result.*?interval of the difference \[−?)(\d)", "primary"),
        (r"(Main result.*?<td>\d\d\.)(\d)", "primary"),
        (r"(Does it hang on how.*?<td>−?\d+\.)(\d)", "sensitivity"),
        (r'(<td class="number">)(\d)', "people"),
        (r'(<svg.*?cx="\d)(\d)', "figure 1"),
    ],
)
def test_one_changed_digit_of_the_page_is_named(bundle, pattern, where):
    replaced(bundle / "index.html", f"(?s){pattern}", other_digit)
    problems = list(reproduction.verify(bundle))
    assert problems[0].startswith("index.html: the file was changed")
    assert len(problems) == 2
    assert where in problems[1]
    assert "the data give" in problems[1]


def test_a_page_changed_together_with_its_hash_is_found_all_the_same(bundle):
    old = reproduction.bundle_metadata.digest(bundle / "index.html")
    replaced(bundle / "index.html", r"(?s)(Main result.*?<td>\d\d\.)(\d)", other_digit)
    new = reproduction.bundle_metadata.digest(bundle / "index.html")
    replaced(bundle / "datapackage.json", old, new)
    (problem,) = reproduction.verify(bundle)
    assert problem.startswith("index.html, section “primary”")


def test_somebody_left_out_without_the_rule_is_named(bundle):
    with (bundle / "participants.csv").open(newline="") as file:
        header, *people = csv.reader(file)
    code = next(row[0] for row in people if not row[header.index("excluded_by")])
    for name in ("participants.csv", "responses.csv"):
        with (bundle / name).open(newline="") as file:
            header, *rows = csv.reader(file)
        for row in rows:
            if row[0] == code:
                row[header.index("excluded_by")] = "catch_ratio"
        with (bundle / name).open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    problems = list(reproduction.verify(bundle))
    assert any(f"participant {code}: left out by catch_ratio" in problem for problem in problems)


@pytest.mark.parametrize("name", ["items.csv", "results.json", "index.html", "datapackage.json"])
def test_a_missing_file_is_a_sentence(bundle, name):
    (bundle / name).unlink()
    assert any(name in problem for problem in reproduction.verify(bundle))


def test_files_that_cannot_be_read_are_a_sentence(bundle):
    (bundle / "results.json").write_text("{")
    assert any("results.json is no JSON object" in problem for problem in reproduction.verify(bundle))


@pytest.mark.django_db
def test_a_long_table_is_folded_up_and_verifies_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(report_texts, "LONG_TABLE", 1)
    reports.write(answered_study(participants=3), tmp_path)
    assert "<details><summary>The table, 2 rows</summary>" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert list(reproduction.verify(tmp_path)) == []


@pytest.mark.django_db
def test_the_figures_of_many_participants_are_compared_whole(tmp_path):
    reports.write(answered_study(participants=60, classes=CLASSES[:3], catch=0), tmp_path)
    page = tmp_path / "index.html"
    html = page.read_text()
    assert "participants’ means: how many" in html  # whose mark in the legend is a drawing within the drawing
    assert list(reproduction.verify(tmp_path)) == []
    page.write_text(html.replace("participants’ means: how many", "participants’ means: how few", 1))
    assert any("index.html, figure 1" in problem for problem in reproduction.verify(tmp_path))
