"""A whole small study that marks regions: real maps of the demo network, bots, the report, and the files alone."""

import json
import random
import subprocess
import sys
import uuid
import xml.etree.ElementTree as ET
from contextlib import redirect_stdout
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from pycocotools.coco import COCO

from attribution import files, images, tasks
from attribution.models import Measurement, Picture, SaliencyMap
from study import blinding, frames, preparation, region_exports, reports, reproduction, tables, trial_types, trials
from study.document import options_of
from study.marked_regions import regions
from study.models import Response, Study
from study.region_formats import Marks, coco, web_annotations
from study.region_formats import Picture as Shown
from study.statistics.regions import union
from study.survey import session
from study.survey.answers import Given
from study.survey.bots import guess
from study.survey.rows import unanswered
from tests.attribution.demo_rows import DEMO, network
from tests.study import factories
from tests.study.test_bundle_metadata import problems
from tests.study.test_trials_prepared import CONDITIONS, of, running

pytestmark = pytest.mark.django_db
TOOLS = ("point", "box", "polygon", "brush")
SCENES = ("scene_01.png", "scene_08.png", "scene_15.png", "scene_22.png", "scene_29.png")
PEOPLE = 4


def marking(tool: str, **options: Any) -> dict[str, Any]:
    texts = {"prompt": {"en": "What made the computer say so?"}, "alt": {"en": "The photo"}}
    options = {"tool": tool, "panels": ["photo"], "name_class": True, **texts, **options}
    return {"name": tool, "trial_type": "mark_region", "options": options}


def marked_study() -> Study:
    """Prepared and computed as workers do, taken by bots that mark the object, one that never finished among them."""
    network()
    found = [files.on_disk(DEMO / "scenes" / name) for name in SCENES]
    known = [
        files.NamedFile(name, partial(BytesIO, _rows_of(DEMO / "scenes" / name)))
        for name in ("labels.csv", "boxes.csv")
    ]
    images.add(found, labels=known[0], boxes=known[1], licence="Apache-2.0")
    texts = {"title": {"en": "What made it say so?"}, "question": {"en": "Do people mark what maps mark?"}}
    study = preparation.add(
        factories.document(
            **texts,
            languages=["en"],
            network="demo",
            consent={"version": "1", "text": {"en": "<p>Yes?</p>"}},
            instructions={"text": {"en": "<p>Mark it.</p>"}},
            debriefing=None,
            conditions=[{"name": "gradient", "method": "gradient"}, {"name": "chance", "method": "random_map"}],
            items={"images": list(SCENES), "target": "label"},
            tasks=[marking("point", least=2, most=3), *(marking(tool) for tool in TOOLS[1:])],
            practice={},
            catch={},
            questionnaire=[],
            exclusions=[{"rule": "participants", "parameters": {"named": ["out"], "reason": "asked to be left out"}}],
            analysis={
                "primary": "regions_against_maps",
                "analyses": [
                    {"name": "regions_against_maps", "parameters": {"replicates": 200, "splits": 10, "radius": 0.15}}
                ],
            },
        )
    )
    preparation.prepare(study)
    for kind in (Measurement, SaliencyMap, Picture):
        preparation.advance(study)
        tasks.do(kind.objects.ready().order_by("pk"))
    preparation.advance(study)
    assert study.state == Study.State.READY, study.problem
    preparation.launch(study)
    for number in range(PEOPLE + 1):
        person = factories.participant(study, origin="simulated")
        person.code = "out" if number == PEOPLE else f"p{number}"
        person.save()
        take(person)
    return study


def _rows_of(path: Path) -> bytes:
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    return "\n".join([head, *(row for row in rows if row.split(",")[0] in SCENES)]).encode()


def take(person: Any) -> None:
    """Answers that hang on person, item and task alone, not on the order, which is drawn anew each time."""
    while person.state == "started":
        trial = unanswered(person, 1)[0]
        screen = session.screen(trial, person.study)
        kind = trial_types.load(trial.trial_type)
        rng = random.Random(f"{person.code} {trial.stimulus.item.name} {trial.task}")
        answer = kind.bot(screen, session.key_of(trial, person.study), 1.0, rng)
        given = Given(trial.position, trial.attempt, uuid.uuid4(), answer, 900.0, {})
        stored, refused, _ = session.store(person, [given])
        assert (len(stored), refused) == (1, [])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any) -> Any:
    """The report's folder, and what the rows themselves said; the rows are gone afterwards."""
    from django.db import transaction

    path = tmp_path_factory.mktemp("report")
    with django_db_blocker.unblock(), transaction.atomic():
        study = marked_study()
        reports.write(study, path)
        answers, _, _ = frames.answers(study)
        maps = {key: answers.maps[key] for key in answers.maps}
        transaction.set_rollback(True)
    return path, answers, maps


def test_the_report_says_for_each_tool_whether_people_mark_what_the_maps_mark(folder: Any) -> None:
    path, _, _ = folder
    results = json.loads((path / "results.json").read_text())
    found = [one for one in results["findings"] if one["analysis"] == "regions_against_maps"]
    assert len(found) == len(TOOLS)
    for finding in found:
        assert {one["condition"] for one in finding["estimates"]} == {"gradient", "chance"}
        assert "aps of “gradient” mark what simulated participants mark" in finding["sentence"]
        shares = {one["condition"]: one["estimate"] for one in finding["estimates"] if one["term"].startswith("share")}
        assert shares["gradient"] > shares["chance"]
        assert {one["participants"] for one in finding["estimates"]} == {PEOPLE}
    page = (path / "index.html").read_text()
    assert "Whether simulated participants mark what the maps mark (task “brush”)" in page


def test_rows_and_files_hold_the_same_regions_and_maps(folder: Any) -> None:
    path, answers, maps = folder
    read = tables.analysed(tables.everything(path))
    assert len(read.regions) == len(answers.regions) > 0
    assert read.regions["points"].tolist() == answers.regions["points"].tolist()
    assert set(read.regions["participant"]) == set(answers.regions["participant"])
    assert "out" not in set(read.regions["participant"])
    assert set(read.maps) == set(maps) == {(item, name) for item in SCENES for name in ("gradient", "chance")}
    for key, shown in maps.items():
        assert np.array_equal(read.maps[key], shown)
        assert shown.shape == (64, 64)


def test_the_numbers_follow_from_the_folder_alone(folder: Any) -> None:
    path, _, _ = folder
    stored = json.loads((path / "results.json").read_text())
    done = subprocess.run(
        [sys.executable, str(path / "reproduce.py")], capture_output=True, text=True, check=True, cwd=path
    )
    assert json.loads(done.stdout)["findings"] == stored["findings"]
    said = StringIO()
    with redirect_stdout(said):
        assert reproduction.main(["verify"], path) == 0, said.getvalue()


def test_the_new_files_are_described_and_sound(folder: Any) -> None:
    path, _, _ = folder
    assert problems(path) == []
    package = json.loads((path / "datapackage.json").read_text())
    types = {one["path"]: one["mediatype"] for one in package["resources"]}
    assert types["maps.npz"] == "application/zip"
    assert types["regions.jsonld"] == "application/ld+json"
    assert types["regions.coco.json"] == "application/json"
    codebook = tables.declared(path)
    assert {column for file, column in codebook if file == "maps.csv"} == set(tables.MAPS)
    for name in ("tool", "brush", "regions", "points", "area", "panels", "share_on_object", "overlap_with_object"):
        assert codebook["trials.csv", name][2]
    names = {one["name"] for one in json.loads((path / "dataset_description.json").read_text())["variableMeasured"]}
    assert {"tool", "share_on_object", "array"} <= names
    with np.load(path / "maps.npz", allow_pickle=False) as maps:
        assert {maps[name].dtype for name in maps.files} == {np.dtype("float16")}


def test_coco_reads_the_regions_as_they_were_marked(folder: Any) -> None:
    """pycocotools' own masks against ours, which ask each pixel's centre."""
    path, _, _ = folder
    with redirect_stdout(StringIO()):
        data = COCO(path / "regions.coco.json")
    assert data.dataset["info"]["description"].startswith("SIMULATED")
    everything = tables.everything(path)
    marked = regions(everything.responses)
    answered = dict(iter(marked.groupby(["participant", "position"])))
    seen = 0
    for one in data.loadAnns(data.getAnnIds()):
        image = data.loadImgs(one["image_id"])[0]
        assert (image["width"], image["height"]) == (64, 64)
        rows = answered[one["participant"], one["position"]]
        assert image["file_name"] == rows["item"].iloc[0]
        assert (one["excluded_by"] == "participants") == (one["participant"] == "out")
        x, y, width, height = one["bbox"]
        assert 0 <= x <= x + width <= 64.01
        assert 0 <= y <= y + height <= 64.01
        if one["tool"] == "point":
            assert [one["keypoints"][:2]] == [[p * 64 for p in rows["points"].iloc[0][0]]] or len(rows) > 1
            continue
        kind = one["tool"]
        shape, brush = (64, 64), float(rows["width"].fillna(0).iloc[0])
        ours = union(kind, list(rows["points"]), shape, brush)
        theirs = data.annToMask(one).astype(bool)
        assert abs(int(ours.sum()) - one["area"]) <= 2 * np.sqrt(one["area"]) + 4
        both, either = (ours & theirs).sum(), (ours | theirs).sum()
        assert both / either > 0.85
        seen += 1
    assert seen == (PEOPLE + 1) * len(SCENES) * 3
    assert {one["name"] for one in data.dataset["categories"]} == set(everything.items["truth_class"])
    assert data.dataset["licenses"] == [{"id": 1, "name": "Apache-2.0", "url": ""}]


def test_the_annotations_are_those_of_the_w3c(folder: Any) -> None:
    """The rules of the Web Annotation Data Model that apply here, read from the recommendation."""
    path, _, _ = folder
    found = json.loads((path / "regions.jsonld").read_text())
    assert found["@context"] == "http://www.w3.org/ns/anno.jsonld"
    assert found["type"] == "AnnotationCollection"
    assert found["label"].startswith("SIMULATED")
    page = found["first"]
    assert page["type"] == "AnnotationPage"
    assert found["total"] == len(page["items"]) == (PEOPLE + 1) * len(SCENES) * len(TOOLS)
    ids = [one["id"] for one in page["items"]]
    assert len(set(ids)) == len(ids)
    shapes = set()
    for one in page["items"]:
        assert one["type"] == "Annotation"
        assert one["id"].startswith("urn:uuid:")
        assert one["motivation"] == "tagging"
        assert one["creator"]["type"] == "Software"
        assert one["body"][0]["purpose"] == "tagging"
        for target in one["target"]:
            assert target["source"]["id"].startswith("ni:///sha-256;")
            svg, *others = target["selector"]
            assert svg["type"] == "SvgSelector"
            drawing = ET.fromstring(svg["value"])
            assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
            shapes |= {child.tag.rpartition("}")[2] for child in drawing}
            for other in others:
                assert other["conformsTo"] == "http://www.w3.org/TR/media-frags/"
                kind, _, numbers = other["value"].partition(":")
                assert kind == "xywh=pixel"
                assert all(part.isdigit() for part in numbers.split(","))
    assert shapes == {"circle", "rect", "polygon", "polyline"}


PICTURE = Shown("goose.png", 200, 100, "ab" * 32, "goose")


def made(kind: str, regions: Any, width: float = 0.0) -> Marks:
    return Marks(PICTURE, "p1", "task", 3, 1, kind, width, regions, "", None)


def test_units_are_pixels_of_the_picture() -> None:
    found = web_annotations([made("box", [[[0.9, 0.8], [0.105, 0.2]]])], study="s", title="t", is_simulated=False)
    one = found["first"]["items"][0]
    assert one["motivation"] == "highlighting"
    assert one["creator"]["type"] == "Person"
    svg, fragment = one["target"][0]["selector"]
    assert '<rect x="21" y="20" width="159" height="60"/>' in svg["value"]
    assert fragment["value"] == "xywh=pixel:21,20,159,60"
    box = coco([made("box", [[[0.9, 0.8], [0.105, 0.2]]])], title="t", version="1")["annotations"][0]
    assert (box["bbox"], box["area"]) == ([21, 20, 159, 60], 159 * 60)
    assert box["segmentation"] == [[21, 20, 180, 20, 180, 80, 21, 80]]


def test_strokes_of_a_brush_are_one_region_and_points_are_keypoints() -> None:
    strokes = made("brush", [[[0.5, 0.5]], [[0.1, 0.5], [0.3, 0.5]]], 0.1)
    found = web_annotations([strokes], study="s", title="t", is_simulated=False)["first"]["items"][0]
    assert len(found["target"]) == 1
    assert found["target"][0]["selector"][0]["value"].count("<polyline") == 2
    data = coco([strokes, made("point", [[[0.5, 0.5]], [[0, 1]]])], title="t", version="1")
    brush, first, second = data["annotations"]
    assert brush["bbox"] == [10, 40, 100, 20]
    assert brush["area"] == pytest.approx(np.pi * 100 * 2 + 40 * 20, rel=0.03)
    assert (first["keypoints"], second["keypoints"]) == ([100, 50, 2], [0, 100, 2])
    assert data["categories"][0]["keypoints"] == ["mark"]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_bot_that_sees_only_the_screen_marks_something_that_is_taken(tool: str) -> None:
    options = options_of(marking(tool), "en")
    screen = trial_types.load("mark_region").present(trials.Stimulus(), **options)
    answer = {control.name: guess(control, random.Random(1)) for control in screen.controls}
    trials.check_controls(screen, answer)


def test_a_study_that_marks_nothing_has_none_of_these_files(tmp_path: Path) -> None:
    from tests.study.answered_study import answered_study

    reports.write(answered_study(participants=1), tmp_path)
    assert region_exports.write(Study.objects.get(), tmp_path) == []
    assert not {path.name for path in tmp_path.iterdir()} & {"maps.csv", "maps.npz", "regions.jsonld"}


def test_a_refused_mark_is_told_in_words_and_one_that_fits_is_stored_once() -> None:
    document = of("mark_region", CONDITIONS[:1], tool="box", most_area=0.5, panels=["photo"])
    person = factories.participant(running(document))
    trial = unanswered(person, 1)[0]

    def sent(region: Any, client: uuid.UUID) -> tuple[Any, Any]:
        given = Given(trial.position, trial.attempt, client, {"region": region}, 900.0, {})
        stored, refused, _ = session.store(person, [given])
        return stored, refused

    client = uuid.uuid4()
    for region, words in (
        ([[[0, 0], [1.2, 1]]], "fractions of the picture from 0 to 1"),
        ([[[0, 0], [0, 1]]], "wider and higher than nothing"),
        ([[[0, 0], [1, 0.9]]], "at most 50.00% of the picture; these cover 90.00%"),
        ([[[0, 0], [0.1, 0.1]]] * 2, "1 marked place; there are 2"),
    ):
        stored, refused = sent(region, client)
        assert not stored
        assert refused[0].status == 422
        assert words in refused[0].problem
    assert not Response.objects.exists()
    for is_duplicate in (False, True):
        stored, refused = sent([[[0, 0], [0.5, 0.5]]], client)
        assert ([one.is_duplicate for one in stored], refused) == ([is_duplicate], [])
    assert Response.objects.get().columns["area"] == 0.25


@pytest.mark.parametrize("is_blinded", [False, True])
def test_the_maps_of_blinded_conditions_go_by_codes(is_blinded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    study = running(of("mark_region", CONDITIONS[:1]))
    raw = np.zeros((1, 4, 4), dtype=np.float16)
    for row in SaliencyMap.objects.all():
        buffer = BytesIO()
        np.savez(buffer, map=raw)
        row.array.save("any.npz", ContentFile(buffer.getvalue()))
    if is_blinded:
        monkeypatch.setattr(blinding, "codes", lambda study: {"gradient": "A"})
    maps = frames.StoredMaps(study)
    assert len(maps) == 12
    assert {condition for _, condition in maps} == {"A" if is_blinded else "gradient"}
    assert all(maps[key].shape == (4, 4) for key in maps)
