"""Protocols need only names, and give studies that really run: commands, a network, its maps and class models."""

import io
import itertools
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.urls import reverse
from PIL import Image as Pillow

from attribution import plugins
from attribution.models import Image, Network, Picture, SaliencyMap, State, Visualization
from study import protocols
from study.document import localised, validate
from study.models import Study, Trial

from . import factories

FOLDER = "study.protocols"
DEMO = Path(settings.BASE_DIR) / "fixtures" / "demo"
CLASSES = ["butterfly", "cat", "goose", "house"]
NAMED = {"network": "scenes", "classes": CLASSES, "images": ["scene_*"]}


def called(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.parametrize("name", plugins.names(FOLDER))
def test_every_protocol_makes_a_sound_document_from_names_alone(name: str) -> None:
    declared = plugins.describe(FOLDER, name).parameters
    given = {key: value for key, value in NAMED.items() if key in declared}
    document = plugins.load(FOLDER, name).document(**plugins.complete(FOLDER, name, given))
    assert validate(document) == []
    assert {condition.get("role", "treatment") for condition in document["conditions"]} == {
        "treatment",
        "blind_control",
        "positive_control",
    }


@pytest.mark.parametrize("name", plugins.names(FOLDER))
def test_every_text_of_a_protocol_is_in_english_and_german(name: str) -> None:
    declared = plugins.describe(FOLDER, name).parameters
    given = {key: value for key, value in NAMED.items() if key in declared}
    document = plugins.load(FOLDER, name).document(**plugins.complete(FOLDER, name, given))
    english, german = (list(texts(localised(document, language))) for language in ("en", "de"))
    same = [one for one, other in zip(english, german, strict=True) if one == other and " " in one and "_" not in one]
    assert same == []


def texts(value: Any) -> Any:
    if isinstance(value, dict):
        return itertools.chain.from_iterable(texts(inner) for inner in value.values())
    if isinstance(value, list):
        return itertools.chain.from_iterable(texts(inner) for inner in value)
    return iter([value] if isinstance(value, str) else [])


def test_a_protocol_computes_nothing_and_gives_the_same_document_again() -> None:
    protocol = plugins.load(FOLDER, "sense_of_class_models")
    assert protocol.document(network="n", classes=CLASSES) == protocol.document(network="n", classes=CLASSES)
    assert protocols.VERB == "document"


@pytest.fixture
def scenes(db: None, settings: Any, tmp_path: Path) -> Network:
    """The demo network and two photos of each of four classes, added as a researcher does."""
    settings.MEDIA_ROOT = tmp_path / "media"
    called("add_network", "scenes", "--plugin", "scenes", "--weights", str(DEMO / "demo.safetensors"))
    lines = (DEMO / "scenes" / "labels.csv").read_text(encoding="utf-8").splitlines()
    folder = tmp_path / "photos"
    folder.mkdir()
    kept = [lines[0]]
    for label in CLASSES:
        kept += [line for line in lines if line.split(",")[2] == label][:3]
    for line in kept[1:]:
        name = line.split(",")[0]
        (folder / name).write_bytes((DEMO / "scenes" / name).read_bytes())
    (tmp_path / "labels.csv").write_text("\n".join(",".join(line.split(",")[:3]) for line in kept), encoding="utf-8")
    called("add_images", str(folder), "--labels", str(tmp_path / "labels.csv"))
    assert Image.objects.count() == 12
    return Network.objects.get()


def pixels(picture: Picture) -> bytes:
    with Pillow.open(picture.file) as image:
        assert image.size == (picture.width, picture.height)
        return image.convert("RGB").tobytes()


def test_class_models_are_computed_and_launched_from_the_command_line(scenes: Network) -> None:
    steps = "parameters={ steps = 3 }"
    options = ["--network", "scenes", "--classes", ",".join(CLASSES), "--set", steps, "--set", "catch=1"]
    said = called("add_study", "--protocol", "sense_of_class_models", *options)
    assert "sense-of-class-models v1 is preparing: 0 of 23 computed so far." in said
    assert "Note: items.per_class: = 1: every class is the answer exactly once" in said
    with pytest.raises(CommandError, match="0 of 23 computed; with --wait this waits for them"):
        called("launch", "sense-of-class-models")
    said = called("launch", "sense-of-class-models", "--wait", "--url", "https://example.org/")
    study = Study.objects.get()
    token = study.recruitment_set.get().token
    assert f"Participants (link): https://example.org{reverse('survey:join', args=[token])}" in said
    assert study.hash in said
    assert set(Visualization.objects.values_list("state", flat=True)) == {State.DONE}
    shown = Picture.objects.filter(stimulusslot__stimulus__study=study)
    assert len({pixels(picture) for picture in shown}) == shown.count() == 15
    assert len({(picture.width, picture.height) for picture in shown}) == 1  # no arm differs in size
    participant = factories.participant(study, language="de")
    assert participant.trials.filter(phase=Trial.Phase.MAIN).count() == 8
    assert "is running already" in called("launch", "sense-of-class-models")
    assert "is running: 23 of 23 computed" in called("add_study", "--protocol", "sense_of_class_models", *options)
    assert Study.objects.count() == 1


def test_saliency_maps_are_computed_after_predictions_and_launched(scenes: Network) -> None:
    called("add_study", "--protocol", "sense_of_saliency_maps", "--network", "scenes", "--slug", "maps")
    called("launch", "maps", "--wait")
    study = Study.objects.get(slug="maps")
    assert study.item_set.count() == 8  # twelve images, four of them for practice and catch trials
    assert SaliencyMap.objects.count() == 24
    assert all(item.strata["network_is_right"] in (True, False) for item in study.item_set.all())
    gradient, other = (
        SaliencyMap.objects.filter(picture__stimulusslot__stimulus__condition__name=name).order_by("image")
        for name in ("gradient", "other_class")
    )
    for one, two in zip(gradient, other, strict=True):
        assert one.image == two.image
        assert one.target != two.target
        assert pixels(one.picture_set.get(plugin="map")) != pixels(two.picture_set.get(plugin="map"))
    participant = factories.participant(study)
    conditions = [
        trial.stimulus.condition.name
        for trial in participant.trials.filter(phase=Trial.Phase.MAIN, task="identify")
        if trial.stimulus and trial.stimulus.condition
    ]
    assert sorted(conditions) == sorted(["gradient", "occlusion", "other_class", "photo"] * 2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add_study"], "Name either a study file or a --protocol."),
        (["add_study", "no.toml"], "no.toml cannot be read"),
        (["add_study", "no.toml", "--network", "x"], "network belongs to a --protocol; a file says all of it itself."),
        (
            ["add_study", "--protocol", "sense_of_everything"],
            "There is no “sense_of_everything” in protocols; there are: ",
        ),
        (["add_study", "--protocol", "sense_of_class_models"], "Name the --network; there are: none yet; add_network"),
        (
            ["add_study", "--protocol", "sense_of_class_models", "--network", "x", "--set", "steps"],
            "should be NAME=VALUE",
        ),
        (
            ["add_study", "--protocol", "sense_of_saliency_maps", "--network", "x", "--set", "step=1"],
            "“sense_of_saliency_maps” has no parameter “step”",
        ),
        (["add_study", "--protocol", "sense_of_saliency_maps", "--network", "x"], "network: = “x” is not stored"),
        (["launch", "nothing"], "There is no study “nothing”; there are: none."),
    ],
)
def test_commands_refuse_in_words(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError) as raised:
        called(*arguments)
    assert words in str(raised.value)


@pytest.mark.django_db
def test_a_network_of_many_classes_wants_some_named() -> None:
    network = factories.network()
    Network.objects.update(labels=[f"class {n}" for n in range(1000)])
    with pytest.raises(CommandError, match="tested knows 1000 classes; name some: --classes class 0,class 1"):
        called("add_study", "--protocol", "sense_of_class_models", "--network", network.name)


@pytest.mark.django_db
def test_a_study_file_is_added_or_refused_with_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "geese.toml"
    file.write_text('slug = "geese"\nseed = -1\n', encoding="utf-8")
    with pytest.raises(CommandError) as raised:
        called("add_study", str(file))
    assert f"{file}: line 2: seed: = -1 should be at least 0." in str(raised.value)
    factories.network()
    factories.images()
    file.write_text(STUDY_FILE, encoding="utf-8")
    assert "geese v1 is preparing: 0 of 8 computed so far." in called("add_study", str(file))
    file.write_text(STUDY_FILE.replace("[catch]\ncount = 1", "[catch]\ncount = 99"), encoding="utf-8")
    with pytest.raises(CommandError, match=r"cannot be prepared:\n.*geese.toml: line \d+: catch.count: = 99 needs 99"):
        called("add_study", str(file))


STUDY_FILE = """
slug = "geese"
title = { en = "Geese" }
question = { en = "Do geese make sense?" }
languages = ["en"]
network = "tested"

[consent]
text = { en = "<p>Do you agree?</p>" }

[instructions]
text = { en = "<p>Look.</p>" }

[design]
name = "between"

[[conditions]]
name = "model"
visualization = "class_model"

[items]
classes = ["goose", "lemon", "kettle"]
reason = "the three that everybody knows"

[[tasks]]
name = "identify"
trial_type = "identify_class"
[tasks.options]
alternatives = 3
prompt = { en = "Which?" }
alt = { en = "picture" }

[catch]
count = 1

[practice]
count = 1

[analysis]
primary = "accuracy_by_condition"
"""


@pytest.mark.django_db
def test_a_file_that_begins_with_a_mark_of_its_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('slug = "Geese & Co"\n', encoding="utf-8-sig")
    with pytest.raises(CommandError, match=r"study\.toml: line 1: slug: should be lower-case letters"):
        called("add_study", str(path))
