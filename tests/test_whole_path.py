"""From a network and images to a report, as a newcomer runs it: the demo, and a real network with real photos."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.installation import ROOT, Installation, installed

DATA = ROOT.parent / "shared" / "data"
TABLES = (
    "attribution_network",
    "attribution_image",
    "attribution_saliencymap",
    "attribution_visualization",
    "attribution_measurement",
    "attribution_picture",
    "study_study",
    "study_stimulus",
    "study_participant",
    "study_response",
    "study_report",
    "auth_user",
)


@pytest.fixture
def gander(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path) as installation:
        yield installation


def counts(gander: Installation) -> dict[str, int]:
    return {table: gander.query(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def test_the_demo_goes_from_a_network_to_a_report_and_doubles_nothing(gander: Installation) -> None:
    words = ["demo", "--no-serve", "--participants", "6", "--port", "18000"]
    first = gander.manage(words)
    report = gander.folder / "demo" / "report"
    assert {"index.html", "results.json", "responses.csv", "codebook.csv"} <= {path.name for path in report.iterdir()}
    for promised in ("/join/", "/dashboard/", "password ", str(report / "index.html")):
        assert promised in first
    results = json.loads((report / "results.json").read_text(encoding="utf-8"))
    assert results["simulated"] is True
    assert set(pd.read_csv(report / "responses.csv")["origin"]) == {"simulated"}
    assert gander.query("SELECT DISTINCT origin, state FROM study_participant") == [("simulated", "completed")]
    assert gander.states("saliencymap").keys() == gander.states("visualization").keys() == {"done"}
    before = counts(gander)
    assert before["study_participant"] == 6
    gander.manage(words)
    assert counts(gander) == before


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real network and photos of ../shared/data")
def test_a_real_network_and_real_photos_become_a_study_and_its_report(gander: Installation) -> None:
    photos = DATA / "photos"
    tables = ["--labels", str(photos / "labels.csv"), "--boxes", str(photos / "boxes.csv")]
    network = ["--network", "squeezenet"]
    gander.manage(
        ["migrate", "--verbosity=0"],
        [
            "add_network",
            "squeezenet",
            "--architecture=squeezenet1_1",
            f"--weights={DATA / 'networks' / 'squeezenet1_1.pth'}",
        ],
        ["add_images", str(photos), *tables, "--verbosity=0"],
        ["compute", *network, "--methods", "gradient", "--wait", "--verbosity=0"],
        ["compute", *network, "--images", "imagenet_goose*", "--methods", "occlusion", "--wait", "--verbosity=0"],
        [
            "add_study",
            "--protocol=sense_of_class_models",
            *network,
            "--slug=real",
            "--classes=goose,dalmatian,lemon,dumbbell",
            "--set=parameters={steps=3}",
        ],
        ["launch", "real", "--wait"],
    )
    assert gander.query("SELECT count(*) FROM attribution_image") == [(52,)]
    assert gander.states("saliencymap") == {"done": 53}
    assert gander.states("visualization") == {"done": 8}
    predicted = gander.query(
        'SELECT i.label, m."table" FROM attribution_measurement m '
        "JOIN attribution_measurement_images r ON r.measurement_id = m.id "
        "JOIN attribution_image i ON i.id = r.image_id WHERE i.label <> '' AND m.state = 'done'"
    )
    first = {label: json.loads(table)[0]["label"] for label, table in predicted}
    assert len(first) == 16
    assert sum(label == answer for label, answer in first.items()) == 11  # by torchvision's own transform as well
    gander.manage(
        ["simulate", "real", "--participants", "6", "--seed", "1"],
        ["report", "real", "--out", str(gander.folder / "report")],
    )
    results = json.loads((gander.folder / "report" / "results.json").read_text(encoding="utf-8"))
    assert results["simulated"] is True
    assert [finding["analysis"] for finding in results["findings"]] == [
        *("accuracy_by_condition", "rating_by_condition", "by_item_and_class", "response_times"),
    ]
    shown = {one["condition"] for one in results["findings"][0]["estimates"]}
    assert {"class_model", "randomized", "photo"} <= shown
