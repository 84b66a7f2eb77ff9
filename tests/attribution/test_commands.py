"""add_network, add_images and compute: what they add, what they refuse in words, and that twice is once."""

import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from django.conf import settings as project
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError
from PIL import Image as Pillow
from pytest_django import Settings
from safetensors.torch import load_file, save_file

from attribution.models import Image, Measurement, Network, Picture, SaliencyMap, State, Visualization, Worker

from .demo_rows import CHECKPOINT, DEMO, stored_files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """A folder with three of the demo's scenes and their tables."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    for number in (1, 2, 3):
        shutil.copy(DEMO / "scenes" / f"scene_0{number}.png", folder)
    for table in ("labels.csv", "boxes.csv"):
        rows = (DEMO / "scenes" / table).read_text().splitlines()
        (folder / table).write_text(
            "\n".join([rows[0], *(r for r in rows[1:] if r[:11] in ("scene_01.pn", "scene_02.pn"))])
        )
    return folder


def add_demo(**options: Any) -> None:
    call_command("add_network", "demo", plugin="scenes", **{"weights": str(CHECKPOINT), **options})


def compute(capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    call_command("compute", network="demo", wait=True, verbosity=0, **options)
    return capsys.readouterr().out


def test_a_network_is_added_once(capsys: pytest.CaptureFixture[str]) -> None:
    add_demo(source="made here")
    assert (
        "Added the network demo: scenes, 105,584 parameters, 8 classes, sees 64 x 64 pixels." in capsys.readouterr().out
    )
    add_demo()
    assert "there already" in capsys.readouterr().out
    assert Network.objects.get().source == "made here"
    assert stored_files("networks") == {Network.objects.get().checkpoint.name}


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (open, ("/tmp/gander-was-here", "w"))  # type: ignore[return-value]


def bad_checkpoint(kind: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{kind}.pth"
    if kind == "code":
        path.write_bytes(pickle.dumps({"weights": Evil()}, protocol=2))
    elif kind == "truncated":
        torch.save(load_file(CHECKPOINT), path)
        path.write_bytes(path.read_bytes()[:-5000])
    elif kind == "architecture":
        return {"weights": str(CHECKPOINT), "plugin": "torchvision", "architecture": "resnet18"}
    elif kind == "labels":
        path.write_text("goose\nfish\n")
        return {"weights": str(CHECKPOINT), "labels": path}
    elif kind == "numbers":
        state = load_file(CHECKPOINT)
        path = path.with_suffix(".safetensors")
        save_file(
            {name: tensor * float("nan") if tensor.is_floating_point() else tensor for name, tensor in state.items()},
            path,
        )
    elif kind == "missing":
        path = folder / "nowhere.pth"
    else:
        path.write_text("hello")
    return {"weights": str(path)}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("code", "code.pth"),
        ("truncated", "truncated.pth"),
        ("architecture", "demo.safetensors"),
        ("labels", "2 labels"),
        ("numbers", "not finite"),
        ("missing", "There is no file"),
        ("text", "text.pth"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_refused_in_words_and_nothing_is_added(
    kind: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("add_network", "bad", **{"plugin": "scenes", **bad_checkpoint(kind, tmp_path)})
    assert str(caught.value).startswith("Nothing was added. ")
    assert words in str(caught.value)
    assert not Network.objects.exists()
    assert stored_files("networks") == set()
    assert not Path("/tmp/gander-was-here").exists()


def test_a_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(CommandError, match="valid “slug”"):
        call_command("add_network", "../demo", plugin="scenes", weights=str(CHECKPOINT))


def test_images_are_added_once_and_what_is_no_image_is_named(scenes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scenes / "README.txt").write_text("about these")
    options = {"labels": scenes / "labels.csv", "boxes": scenes / "boxes.csv", "verbosity": 0}
    call_command("add_images", scenes, **options)
    said = capsys.readouterr().out
    assert "Added 3 images." in said
    assert "Left out, being no images: README.txt." in said
    call_command("add_images", scenes, **options)
    assert "Added 0 images.\n3 were there already; what is known of 0 of them changed." in capsys.readouterr().out
    assert Image.objects.count() == 3
    assert Image.objects.get(name="scene_01.png").label == "butterfly"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("letter.jpg", b"Dear network, ...", "letter.jpg is text, not an image"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg is an SVG drawing"),
        (
            "labels.csv",
            b"file,label\nnobody.png,goose\n",
            "labels.csv row 2, column file: there is no image “nobody.png”",
        ),
        ("boxes.csv", b"file,object,left,top,right,bottom\nscene_01.png,x,0,0,65,9\n", "65 is outside the image"),
    ],
)
def test_a_bad_list_of_images_is_refused_in_words_and_nothing_is_added(
    name: str, data: bytes, words: str, scenes: Path
) -> None:
    (scenes / name).write_bytes(data)
    with pytest.raises(CommandError) as caught:
        call_command("add_images", scenes, labels=scenes / "labels.csv", boxes=scenes / "boxes.csv", verbosity=0)
    assert str(caught.value).startswith("Nothing was added.")
    assert words in str(caught.value)
    assert not Image.objects.exists()
    assert stored_files("images") == set()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match="There are no images in"):
        call_command("add_images", tmp_path / "empty")


@pytest.fixture
def ready(scenes: Path) -> None:
    add_demo()
    call_command("add_images", scenes, labels=scenes / "labels.csv", verbosity=0)


@pytest.mark.usefixtures("ready")
def test_maps_of_the_predicted_class_are_computed_once_where_no_worker_is(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert "3 maps and 0 visualizations are done." in compute(capsys, methods="gradient")
    assert Measurement.objects.filter(state=State.DONE).count() == 3
    for row in SaliencyMap.objects.all():
        (prediction,) = Measurement.predictions(row.network, [row.image])
        assert row.target["index"] == prediction.first_answer
        assert (row.state, row.attempts) == (State.DONE, 1)
    assert Picture.objects.filter(state=State.DONE).count() == Picture.objects.count() == 3
    assert len(stored_files("pictures")) == len(stored_files("arrays")) == 3


@pytest.mark.usefixtures("ready")
def test_targets_are_classes_by_name_and_number_or_the_images_own_labels(capsys: pytest.CaptureFixture[str]) -> None:
    compute(capsys, methods="gradient", targets="goose,0,GOOSE", images="scene_01*")
    goose = Network.objects.get().labels.index("goose")
    assert sorted(row.target["index"] for row in SaliencyMap.objects.all()) == [0, goose]
    compute(capsys, methods="random_map", targets="label", images="scene_0[12]*")
    butterfly = Network.objects.get().labels.index("butterfly")
    assert {row.target["index"] for row in SaliencyMap.objects.filter(plugin="random_map")} == {butterfly}


@pytest.mark.usefixtures("ready")
def test_class_models_are_computed_with_the_parameters_that_were_set(capsys: pytest.CaptureFixture[str]) -> None:
    options = {
        "visualizations": "class_model",
        "targets": "goose,fish",
        "set": ["class_model.steps=3", "class_model.restarts=1"],
    }
    for _ in range(2):
        assert "0 maps and 2 visualizations are done." in compute(capsys, **options)
    rows = Visualization.objects.all()
    assert [(row.parameters["steps"], row.count, row.state) for row in rows] == [(3, 1, State.DONE)] * 2
    assert Picture.objects.filter(state=State.DONE).count() == 2


@pytest.mark.usefixtures("ready")
def test_units_contrasts_and_other_scalars_are_targets_too(capsys: pytest.CaptureFixture[str]) -> None:
    goose, fish = (Network.objects.get().labels.index(name) for name in ("goose", "fish"))
    compute(capsys, methods="gradient", targets="goose", against="fish", images="scene_01*")
    compute(capsys, methods="gradient", targets="goose", scalar="log_probability", images="scene_01*")
    units = {"units": ["block4.activation:7", "block4.activation:7:1,2"]}
    said = compute(capsys, methods="gradient", visualizations="unit", images="scene_01*", set=["unit.steps=2"], **units)
    assert "2 maps and 2 visualizations are done." in said
    of_units: list[dict[str, Any]] = [
        {"module": "block4.activation", "channel": 7, "scalar": "logit"},
        {"module": "block4.activation", "channel": 7, "position": [1, 2], "scalar": "logit"},
    ]
    assert [row.target for row in Visualization.objects.order_by("pk")] == of_units
    assert [row.target for row in SaliencyMap.objects.order_by("pk")] == [
        {"index": goose, "against": fish, "scalar": "logit"},
        {"index": goose, "scalar": "log_probability"},
        *of_units,
    ]


def test_maps_that_show_nothing_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_demo()
    Pillow.new("RGB", (64, 64)).save(tmp_path / "black.png")
    call_command("add_images", tmp_path, verbosity=0)
    said = compute(capsys, methods="edges,gradient", targets="goose")
    assert "edges of black.png for goose: The map has the same value everywhere" in said
    assert "gradient of" not in said


@pytest.mark.usefixtures("ready")
def test_a_visualization_that_begins_at_a_photo_is_made_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    said = compute(capsys, visualizations="edit", targets="fish", images="scene_0[12]*", set=["edit.steps=2"])
    assert "0 maps and 2 visualizations are done." in said
    rows = Visualization.objects.order_by("pk")
    assert [(row.image.name, row.state) for row in rows] == [("scene_01.png", State.DONE), ("scene_02.png", State.DONE)]


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"network": "demi"}, "There is no network “demi”; there are: demo."),
        ({"images": "*.jpg"}, "No image's name fits “*.jpg”; 3 images are there."),
        ({"methods": "gradent"}, "There is no “gradent” in methods; there are: "),
        ({"methods": "gradient", "targets": "gose"}, "demo has no class “gose”; like it are: goose"),
        ({"methods": "gradient", "targets": "8"}, "demo has 8 classes, numbered from 0; there is no 8."),
        ({"methods": "gradient", "targets": "label"}, "The image scene_03.png has no label"),
        ({"methods": "gradient", "set": ["gradient.reductoin=1"]}, "“gradient” has no parameter “reductoin”"),
        ({"methods": "gradient", "set": ["occlusion.stride=1"]}, "should name one of gradient"),
        ({"methods": "gradient", "targets": "0", "against": "0"}, "minus itself is 0 everywhere"),
        ({"methods": "gradient", "targets": "0", "against": "1", "scalar": "margin"}, "of two classes' logits"),
        ({"methods": "gradient", "units": ["block4"]}, "“block4” is no unit; one is written module:channel"),
        ({"methods": "contrast", "units": ["block4.activation:7"]}, "“contrast” explains no unit, only: class,"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_what_there_is(options: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("compute", **{"network": "demo", "wait": True, "verbosity": 0, **options})
    assert words in str(caught.value)
    assert not SaliencyMap.objects.exists()


@pytest.mark.usefixtures("ready")
def test_what_failed_is_named_and_tried_again_the_next_time(capsys: pytest.CaptureFixture[str]) -> None:
    image = Image.objects.get(name="scene_02.png")
    whole = Path(image.file.path).read_bytes()
    compute(capsys)
    Path(image.file.path).write_bytes(b"damaged")
    with pytest.raises(CommandError, match=r"1 of 6 failed:\n  - gradient of scene_02\.png for .*: cannot identify"):
        compute(capsys, methods="gradient")
    Path(image.file.path).write_bytes(whole)
    assert "3 maps" in compute(capsys, methods="gradient")


@pytest.mark.usefixtures("ready")
def test_what_may_take_long_says_so_before_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("compute", network="demo", methods="sobol_total", targets="0", verbosity=0)
    said = capsys.readouterr().out
    assert re.match(r"3 are left to compute. About 3,100 forward passes of one image: about [\d.]+ \w+ on one", said)
    call_command("compute", network="demo", methods="gradient", targets="0", verbosity=0)
    assert "forward passes" not in capsys.readouterr().out


@pytest.mark.usefixtures("ready")
def test_without_waiting_rows_are_ordered_and_a_missing_worker_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("compute", network="demo", methods="gradient", targets="0", verbosity=0)
    said = capsys.readouterr().out
    assert "3 maps and 0 visualizations are ordered; 6 rows wait for a worker." in said
    assert "No worker is running." in said
    assert set(SaliencyMap.objects.values_list("state", flat=True)) == {State.PENDING}
    Worker.objects.heard("celery@here", 41)
    call_command("compute", network="demo", methods="gradient", targets="0", verbosity=0)
    assert "No worker is running." not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["add_network", "add_images", "compute", "up"])
def test_every_command_explains_itself(name: str) -> None:
    help_text = load_command_class(get_commands()[name], name).create_parser("manage.py", name).format_help()
    assert len(help_text.split("options:")[0]) > 200


def test_a_refusal_ends_with_exit_code_1_and_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "add_images", str(tmp_path / "nowhere")]
    done = subprocess.run(command, cwd=project.BASE_DIR, capture_output=True, text=True)
    assert done.returncode == 1
    assert "nowhere is not a folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_tables_is_said_in_a_sentence_with_what_makes_them(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "manage.py", "launch", "a-study"],
        cwd=project.BASE_DIR,
        env=environment | {"GANDER_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "First: .venv/bin/python manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cmyk_photo_in_a_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Pillow.new("CMYK", (40, 40), (0, 200, 200, 0)).save(tmp_path / "photos" / "print.jpg")
    call_command("add_images", tmp_path / "photos", verbosity=0)
    assert Image.objects.get().width == 40
