"""Scenes: what is said of them (class, mask, boxes, contrast, match of the arms) is what is drawn."""

import csv
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from django.conf import settings
from PIL import Image
from scipy import ndimage

from attribution.scenes import LABELS, SIZE, draw
from attribution.scenes.shapes import SIDE

DEMO = Path(settings.BASE_DIR) / "fixtures" / "demo"
FOLDERS = ("scenes", "planted")


def rows(folder: str, table: str) -> list[dict[str, str]]:
    with (DEMO / folder / table).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def picture(folder: str, name: str) -> np.ndarray:
    return np.asarray(Image.open(DEMO / folder / name))


def test_a_seed_is_one_scene() -> None:
    first, again, other = draw(4, seed=(1, 2)), draw(4, seed=(1, 2)), draw(4, seed=(1, 3))
    assert np.array_equal(first.image, again.image)
    assert first.facts == again.facts
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("label", range(len(LABELS)))
def test_the_mask_is_where_the_objects_are_seen(label: int) -> None:
    """The same scene with objects of nearly no contrast differs in the mask, on its edge, and by hairs (whiskers)."""
    seen = draw(label, seed=(3, label), instances=2, contrast=1.0)
    unseen = draw(label, seed=(3, label), instances=2, contrast=1e-6)
    changed = np.abs(seen.image.astype(int) - unseen.image).max(axis=2) > 12
    assert (changed & ~ndimage.binary_dilation(seen.mask)).sum() < 0.04 * seen.mask.sum()
    assert (changed & seen.mask).sum() > 0.8 * seen.mask.sum()


@pytest.mark.parametrize("instances", [1, 2, 3, 4])
def test_every_instance_has_its_box(instances: int) -> None:
    scene = draw(3, seed=instances, instances=instances)
    inside = np.zeros((SIZE, SIZE), bool)
    for left, top, right, bottom in scene.boxes:
        assert scene.mask[top:bottom, left:right].any()
        inside[top:bottom, left:right] = True
    assert len(scene.boxes) == scene.facts["instances"] == instances
    assert not (scene.mask & ~inside).any()


def test_low_contrast_brings_the_object_nearer_to_its_surroundings() -> None:
    differences = [
        np.mean([draw(i % 8, seed=i, contrast=contrast).facts["difference"] for i in range(64)])
        for contrast in (0.3, 0.6, 1.0)
    ]
    assert differences[0] < 0.7 * differences[1] < 0.7 * differences[2]


def test_the_mean_colour_does_not_give_the_class_away() -> None:
    scenes = [draw(i % 8, seed=(4, i)) for i in range(640)]
    colours = np.stack([scene.image.reshape(-1, 3).mean(axis=0) for scene in scenes])
    labels = np.array([scene.label for scene in scenes])
    centres = np.stack([colours[:320][labels[:320] == label].mean(axis=0) for label in range(8)])
    nearest = np.linalg.norm(colours[320:, None] - centres, axis=2).argmin(axis=1)
    assert np.mean(nearest == labels[320:]) < 0.125 + 4 * np.sqrt(0.125 * 0.875 / 320)


def test_the_arms_of_one_and_many_instances_differ_in_nothing_else(make: ModuleType) -> None:
    one, many = ([make.scene(arm, index, seed=9) for index in range(240)] for arm in ("one", "many"))
    assert {scene.facts["instances"] for scene in one} == {1}
    assert {scene.facts["instances"] for scene in many} == {2, 3, 4}
    for a, b in zip(one, many, strict=True):
        assert a.label == b.label
        assert a.facts["extent"] == b.facts["extent"]
        assert a.facts["contrast"] == b.facts["contrast"]
        assert a.facts["instances"] + a.facts["stones"] == b.facts["instances"]
    areas = [np.array([scene.facts["area"] for scene in arm]) for arm in (one, many)]
    assert abs(areas[0].mean() / areas[1].mean() - 1) < 0.02


def test_a_planted_mark_is_the_evidence_whatever_the_object() -> None:
    for label in range(8):
        scene = draw(label, seed=(5, label), planted=6)
        left, top, right, bottom = scene.boxes[0]
        assert (right - left, bottom - top) == (SIDE, SIDE)
        assert scene.mask.sum() == SIDE**2
        assert len(np.unique(scene.image[scene.mask], axis=0)) == 2
        assert (scene.label, scene.facts["object"]) == (6, LABELS[label])


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_stored_scenes_are_what_their_tables_say(folder: str) -> None:
    labels = rows(folder, "labels.csv")
    boxes = rows(folder, "boxes.csv")
    contents = set()
    for row in labels:
        image = picture(folder, row["file"])
        mask = picture(f"{folder}/masks", row["file"])
        assert image.shape == (SIZE, SIZE, 3)
        assert mask.dtype == np.bool_
        assert mask.sum() > 60
        assert LABELS[int(row["label_index"])] == row["label"]
        own = [
            [int(box[edge]) for edge in ("left", "top", "right", "bottom")]
            for box in boxes
            if box["file"] == row["file"]
        ]
        assert len(own) == (1 if folder == "planted" else int(row["instances"]))
        around = np.zeros_like(mask)
        for left, top, right, bottom in own:
            around[top:bottom, left:right] = True
        assert not (mask & ~around).any()
        contents.add(image.tobytes())
    files = {path.name for path in (DEMO / folder).glob("*.png")}
    assert len(contents) == len(labels) == len(files)
    assert {row["file"] for row in labels} == files == {path.name for path in (DEMO / folder / "masks").glob("*.png")}


def test_the_stored_scenes_are_balanced() -> None:
    scenes = rows("scenes", "labels.csv")
    kinds = sorted((row["label"], row["instances"], float(row["contrast"]) < 0.5) for row in scenes)
    wanted = [(1, False)] * 3 + [(1, True), (2, False), (3, False)]
    assert kinds == sorted((label, str(count), low) for label in LABELS for count, low in wanted)
    planted = rows("planted", "labels.csv")
    assert sorted(row["label"] for row in planted) == sorted(LABELS * 2)
    assert not [row for row in planted if row["object"] == row["label"]]


def test_the_script_draws_the_stored_scenes(make: ModuleType, tmp_path: Path) -> None:
    make.make_scenes(tmp_path, "scene", make.wanted_scenes()[:16])
    for path in sorted(tmp_path.glob("*.png")):
        drawn, stored = np.asarray(Image.open(path)).astype(int), picture("scenes", path.name)
        assert np.abs(drawn - stored).mean() < 0.5, path.name  # versions of Pillow may differ in rounding


def test_everything_is_small_enough_to_be_kept() -> None:
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 6e6
