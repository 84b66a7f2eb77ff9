"""Several studies as one: metafor's numbers from files, and refusals in words."""

import csv
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

EFFECT = {
    "term": "trained − blind", "estimate": 0.2, "standard_error": 0.05, "df": 30.0, "participants": 40,
    "unit": "difference in the share of right answers", "design": "between participants",
}  # fmt: skip
ALIKE = [0.18, 0.2, 0.22]


@pytest.fixture
def results(tmp_path):
    def write(name, simulated=False, **changes):
        path = tmp_path / f"{name}.json"
        effects = [{**EFFECT, **changes}] if changes.get("estimate", 0) is not None else []
        path.write_text(json.dumps({"study": name, "version": 1, "simulated": simulated, "effects": effects}))
        return str(path)

    return write


def test_alike_studies_are_averaged_and_all_is_written(results, tmp_path, capsys):
    paths = [results(f"s{k}", estimate=value) for k, value in enumerate(ALIKE)]
    call_command("pool", *paths, "--out", str(tmp_path / "out"))
    said = capsys.readouterr().out
    assert "Over 3 studies the difference is clear: 20.0 percentage points" in said
    assert "A new study is expected to find the same sign" in said or "could find either sign" in said
    found = json.loads((tmp_path / "out" / "pooled.json").read_text())
    assert found["pooled"]["estimate"] == pytest.approx(0.2)
    assert found["pooled"]["se"] == pytest.approx(0.05 / 3**0.5)
    assert found["pooled"]["weights"] == pytest.approx([1 / 3] * 3)
    rows = list(csv.DictReader((tmp_path / "out" / "pooled.csv").open()))
    assert [row["study"] for row in rows] == ["s0 v1", "s1 v1", "s2 v1", "all studies"]
    assert float(rows[0]["low"]) == pytest.approx(0.18 - 2.0423 * 0.05, abs=1e-4)
    svg = (tmp_path / "out" / "pooled.svg").read_text()
    assert "A new study’s true effect" in svg
    assert "40 participants, weight 33 %" in svg


def test_opposite_studies_say_the_opposite(results, tmp_path, capsys):
    paths = [results(f"s{k}", estimate=value) for k, value in enumerate([-0.3, 0.0, 0.3])]
    call_command("pool", *paths, "--out", str(tmp_path / "out"))
    said = capsys.readouterr().out
    assert "there is no clear difference: 0.0 percentage points" in said
    assert "A new study could find either sign" in said


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"unit": "difference on a rating scale from 1 to 7"}, "The studies differ in unit"),
        ({"design": "within participants"}, "The studies differ in design"),
        ({"simulated": True}, "Simulated participants and people are never pooled."),
        ({"standard_error": 0.0}, "Every study needs a finite estimate and a positive standard error."),
        ({"estimate": None}, "has no comparison with a test, so there is nothing to pool."),
    ],
)
def test_what_is_not_alike_is_refused_in_words(results, tmp_path, second, words):
    with pytest.raises(CommandError, match=words):
        call_command("pool", results("one"), results("two", **second), "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_one_study_twice_another_term_and_another_file_are_refused(results, tmp_path):
    one, out = results("one"), str(tmp_path / "out")
    with pytest.raises(CommandError, match="one v1 is there twice"):
        call_command("pool", one, one, "--out", out)
    with pytest.raises(CommandError, match="at least two studies"):
        call_command("pool", one, "--out", out)
    with pytest.raises(CommandError, match=r"has no comparison “a − b”; it has: “trained − blind”\."):
        call_command("pool", one, results("two"), "--term", "a - b", "--out", out)
    with pytest.raises(CommandError, match=r"absent\.json cannot be read: No such file or directory\.$"):
        call_command("pool", one, str(tmp_path / "absent.json"), "--out", out)
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(CommandError, match="of a report with effects"):
        call_command("pool", one, str(tmp_path / "x.json"), "--out", out)


def test_simulated_studies_are_marked(results, tmp_path, capsys):
    call_command("pool", results("a", True), results("b", True, estimate=0.3), "--out", str(tmp_path / "out"))
    assert "SIMULATED, nothing here is about people." in capsys.readouterr().out
    assert "simulated participants" in (tmp_path / "out" / "pooled.svg").read_text()


def test_limits_stay_where_a_difference_can_lie_and_the_comparison_is_named(results, tmp_path, capsys):
    paths = [results(f"s{k}", estimate=value) for k, value in enumerate([0.1, 0.5])]
    call_command("pool", *paths, "--out", str(tmp_path / "out"))
    said = capsys.readouterr().out
    assert "95 % prediction, t, 1 df interval [−100.0, 100.0]" in said
    assert "Limits are cut off at ±100.0, beyond which no difference can lie." in said
    assert "Compared were “trained − blind”." in said
    rows = list(csv.DictReader((tmp_path / "out" / "pooled.csv").open()))
    assert all(-1 <= float(row["low"]) <= float(row["high"]) <= 1 for row in rows)
    scale = {"unit": "difference on a rating scale from 1 to 7", "standard_error": 0.1}
    paths = [results(f"r{k}", estimate=value, **scale) for k, value in enumerate([0.5, 3.0])]
    call_command("pool", *paths, "--out", str(tmp_path / "rated"))
    assert "Limits are cut off at ±6.00" in capsys.readouterr().out


def test_different_comparisons_are_named_beside_their_studies(results, tmp_path, capsys):
    paths = [results("one"), results("two", term="map − edges")]
    call_command("pool", *paths, "--out", str(tmp_path / "out"))
    assert "Compared were “trained − blind” in one v1; “map − edges” in two v1: whether" in capsys.readouterr().out


def test_coded_conditions_are_not_pooled(results, tmp_path):
    path = Path(results("blind"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "are_conditions_coded": True}))
    with pytest.raises(CommandError, match="has coded conditions, so that nobody can tell what it compares"):
        call_command("pool", str(path), results("other"), "--out", str(tmp_path / "out"))
