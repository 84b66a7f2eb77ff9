"""The command `measure`: a row with provenance for each diagnostic, and its table as a file."""

import csv
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from attribution.management.commands.measure import write_table
from attribution.models import Measurement, State
from tests.attribution import demo_rows


@pytest.mark.django_db(transaction=True)
def test_a_diagnostic_becomes_a_row_with_provenance_and_a_table_and_is_not_measured_twice(tmp_path: Path) -> None:
    demo_rows.network()
    demo_rows.network("twin")
    demo_rows.scenes(4)
    given = {
        "network": "demo",
        "diagnostics": "saturation,regulariser_ablation",
        "set": ["saturation.samples=2", "regulariser_ablation.steps=1", 'regulariser_ablation.priors=["none"]'],
        "beside": "twin",
        "out": tmp_path,
        "verbosity": 0,
    }
    call_command("measure", **given)
    with (tmp_path / "saturation.csv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert {row["network"] for row in table} == {"demo", "twin"}
    with (tmp_path / "regulariser_ablation.csv").open(encoding="utf-8", newline="") as stream:
        assert all(row["judged_rank"] for row in csv.DictReader(stream)), "the network beside judges"
    rows = list(Measurement.objects.filter(plugin__in=["saturation", "regulariser_ablation"]))
    assert [row.state for row in rows] == [State.DONE] * 2
    assert all(row.provenance["torch"] for row in rows)
    assert rows[0].parameters["samples"] == 2
    before = {row.pk: row.finished_at for row in rows}
    call_command("measure", **given)
    assert {row.pk: row.finished_at for row in Measurement.objects.filter(pk__in=before)} == before


@pytest.mark.django_db
def test_a_diagnostic_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    demo_rows.network()
    with pytest.raises(CommandError, match="There is no “nothing” in diagnostics; there are: cross_saliency"):
        call_command("measure", network="demo", diagnostics="nothing", out=tmp_path)


def test_a_name_that_a_spreadsheet_would_compute_is_written_as_a_text(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", [{"image": "=1+1.png", "cosine": -0.5}, {"image": "a.png", "cosine": None}])
    assert (tmp_path / "table.csv").read_text().split() == ["image,cosine", "'=1+1.png,-0.5", "a.png,"]
