"""What a design must not let slip: each danger is refused, warned of or cannot happen, as docs/study_file.md says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from attribution import rendering
from study import launching, safeguards, tables
from study.document import validate
from study.models import Study

from . import factories
from .factories import document as of_classes
from .test_document import changed, of_images, warned

DOCUMENTATION = Path(settings.BASE_DIR) / "docs" / "study_file.md"
CROSSED = [
    {"name": f"{method}.{display}", "method": method, "rendering": {"display": display}}
    for method in ("gradient", "occlusion")
    for display in ("map", "overlay")
]
IDENTIFY = "tasks.0.options"


def table() -> dict[str, tuple[str, list[str]]]:
    """The documentation's rows: danger -> what is done, and the sentences that are quoted."""
    text = (
        DOCUMENTATION.read_text(encoding="utf-8").partition("## What a design must not let slip")[2].partition("## ")[0]
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {danger: (what, re.findall(r"“(.+?)”", said)) for danger, what, said in rows[2:]}


def one_map(**rendering_: Any) -> dict[str, Any]:
    return changed(of_images(), "conditions.0.rendering", rendering_)


def crossed(design: dict[str, Any]) -> dict[str, Any]:
    roles = [{"name": "photo", "photo": True, "role": "positive_control"}]
    roles += [{"name": "other", "method": "gradient", "control": "other_class", "role": "blind_control"}]
    return {**of_images(), "conditions": [*CROSSED, *roles], "design": design}


def with_control(**condition: Any) -> dict[str, Any]:
    document = of_images()
    document["conditions"].append({"name": "more", "method": "gradient", **condition})
    return document


def twice(names_first: bool) -> dict[str, Any]:
    document = changed(of_classes(), "tasks.1.options.name_class", True)
    return {**document, "tasks": document["tasks"][::-1] if names_first else document["tasks"]}


DANGERS: dict[str, list[tuple[Callable[[dict[str, Any]], list[str]], dict[str, Any]]]] = {
    "the class can be read from the photo where the question is what the map says": [
        (safeguards.warnings, one_map(display="overlay")),
        (validate, twice(names_first=True)),
    ],
    "maps that are not rank-normalised, each alone": [(safeguards.warnings, one_map(scale="linear"))],
    "targets that can be ruled out": [(safeguards.warnings, of_classes())],
    "pictures rendered differently": [
        (safeguards.warnings, one_map(display="overlay")),
        (safeguards.warnings, one_map(enlarge=2)),
    ],
    "size": [(safeguards.warnings, changed(of_images(), "minimum_viewport", 0))],
    "colour maps that are not perceptually uniform": [(validate, one_map(colours="jet"))],
    "colours without a question about colour vision": [(safeguards.warnings, one_map(colours="viridis"))],
    "wording that is not blind to the methods": [
        (safeguards.warnings, changed(of_images(), "instructions.text.en", "<p>Rate each Gradient map.</p>"))
    ],
    "an image under two conditions": [
        (safeguards.warnings, {**of_images(), "design": {"name": "latin_square", "repeat_items": True}}),
        (safeguards.warnings, with_control(control="other_image")),
    ],
    "items picked by hand": [(safeguards.warnings, changed(of_images(), "items.images", ["photo_1.png"]))],
    "nothing to compare with": [
        (safeguards.warnings, changed(of_images(), "conditions.1.role", "treatment")),
        (safeguards.warnings, changed(of_images(), "conditions.2.role", "treatment")),
        (safeguards.warnings, changed(of_images(), "catch", {"count": 0})),
    ],
    "few items": [(safeguards.warnings, of_classes())],
}


@pytest.mark.parametrize("danger", DANGERS)
def test_what_the_documentation_says_of_each_danger_is_said_of_a_document_that_has_it(danger: str) -> None:
    what, quoted = table()[danger]
    assert "refused" in what or "warned" in what
    said = "\n".join(sentence for check, document in DANGERS[danger] for sentence in check(document))
    assert quoted
    for words in quoted:
        assert words in said
    for check, document in DANGERS[danger]:  # a document that is warned of has nothing else that is wrong
        assert check is validate or validate(document) == []


def test_every_other_danger_of_the_documentation_cannot_happen() -> None:
    for danger, (what, quoted) in table().items():
        assert danger in DANGERS or what.startswith("cannot happen")
        assert danger in DANGERS or not quoted or "warned at launch" in what


def test_a_sound_design_is_not_warned_of() -> None:
    assert warned(changed(of_images(), "items.images", ["*"])) == ""


def test_images_picked_by_hand_want_a_reason() -> None:
    document = changed(of_images(), "items.images", ["photo_1.png"])
    document["items"]["reason"] = "the only ones with two geese"
    assert warned(document) == ""


def test_a_design_without_controls_or_catch_trials_is_warned_of() -> None:
    plain = {**of_classes(), "conditions": [{"name": "model", "visualization": "class_model"}], "catch": {"count": 0}}
    words = warned(plain)
    for expected in (
        "none has role = “blind_control”",
        "none has role = “positive_control”",
        "catch.count: = 0",
        "items: make 4 items",
    ):
        assert expected in words


def test_renderings_that_follow_a_declared_factor_are_not_warned_of() -> None:
    differ = "are rendered differently"
    outside = ["photo", "other"]
    factors = {"factors": ["method", "display"], "between": ["display"], "outside": outside}
    assert differ not in warned(crossed({"name": "factorial", **factors}))
    groups = [[one["name"] for one in CROSSED if one["name"].endswith(display)] for display in ("map", "overlay")]
    assert differ not in warned(crossed({"name": "mixed", "groups": [groups[0] + outside, [*groups[1], "photo"]]}))
    assert differ in warned(crossed({"name": "latin_square"}))
    mixed_up = [[CROSSED[0]["name"], CROSSED[1]["name"], *outside], [CROSSED[2]["name"], CROSSED[3]["name"]]]
    assert differ in warned(crossed({"name": "mixed", "groups": mixed_up}))


def test_a_photo_that_no_map_stands_beside_gives_nothing_away() -> None:
    document = of_images()
    document["conditions"][0]["rendering"] = {"display": "overlay"}
    document["tasks"] = [
        {
            "name": "predict",
            "trial_type": "simulate_forward",
            "options": {
                "prompt": {"en": "What will it say?", "de": "Was wird es sagen?"},
                "alt": {"en": "Photo", "de": "Foto"},
            },
        }
    ]
    assert "can read the class" not in warned(document)


def test_a_question_about_colour_vision_counts_wherever_it_is_asked() -> None:
    document = one_map(colours="viridis")
    for section in ("questionnaire", "screening"):
        asked = {**document, section: [{**document["questionnaire"][0], "name": "colour_vision"}]}
        asked[section][0]["options"] = {**asked[section][0]["options"], "expected": ["yes"]}
        if section == "screening":
            asked["questionnaire"] = document["questionnaire"][1:]
        assert "called colour_vision" not in warned(asked)


def test_a_methods_name_is_found_in_every_text_that_is_read_before_the_debriefing() -> None:
    places = ["title.en", "consent.text.de", f"{IDENTIFY}.prompt.en", "questionnaire.0.options.choices.0.1.de"]
    for place in places:
        words = warned(changed(of_images(), place, "An occlusion or a GRADIENT"))
        assert f"{'.'.join(place.split('.')[:1])}" in words
        assert "says “GRADIENT”, which tells participants what they are shown" in words
    assert "says" not in warned(changed(of_images(), "debriefing.text.en", "They were gradient maps."))
    assert "says" not in warned(changed(of_images(), "title.en", "Gradients"))  # another word


@pytest.mark.parametrize(
    ("trial_type", "right", "words"),
    [
        ("agree_with_label", 9, "the network is right about 90% of the items: about half"),
        ("agree_with_label", 1, "the network is right about 10% of the items: about half"),
        ("agree_with_label", 5, ""),
        ("simulate_forward", 9, "whoever names the object need not simulate it"),
        ("simulate_forward", 4, ""),
        ("identify_class", 9, ""),
    ],
)
def test_the_networks_share_of_right_answers_is_warned_of_once_it_is_known(
    trial_type: str, right: int, words: str
) -> None:
    document = {**of_images(), "tasks": [{**of_classes()["tasks"][0], "trial_type": trial_type}]}
    document["tasks"][0]["options"] = {key: document["tasks"][0]["options"][key] for key in ("prompt", "alt")}
    if trial_type == "agree_with_label":
        labels = {"yes_label": {"en": "Yes", "de": "Ja"}, "no_label": {"en": "No", "de": "Nein"}}
        document["tasks"][0]["options"] |= labels
    items = [{"class": "goose" if n % 2 else "lemon", "network_is_right": n < right} for n in range(10)]
    found = "\n".join(safeguards.item_warnings(document, items))
    assert words in found if words else found == ""


def test_images_that_show_each_class_once_are_warned_of_once_they_are_known() -> None:
    words = "items.images: have each class once: whoever keeps track can rule classes out"
    assert words in "".join(safeguards.item_warnings(of_images(), [{"class": one} for one in factories.LABELS]))
    assert safeguards.item_warnings(of_images(), [{"class": one} for one in [*factories.LABELS, "goose"]]) == []


@pytest.mark.django_db
def test_what_is_frozen_says_how_distractors_and_controls_are_drawn_and_which_were() -> None:
    study = factories.running_study()
    rules = study.frozen["rules"]
    assert (
        "Distractors are drawn afresh for each stimulus from the study's classes" in rules["tasks"]["identify"]["rule"]
    )
    assert rules["tasks"]["identify"] | {"rule": ""} == {"plugin": "identify_class", "version": 1, "rule": ""}
    assert rules["design"]["plugin"] == "between"
    assert "shuffled within itself" in study.frozen["conditions"]["shuffled"]["control_rule"]
    slots = study.frozen["stimuli"]["goose / trained"]["slots"]
    assert len([slot for slot in slots if slot[0] == "alternative"]) == 4
    assert Study.objects.get().hash == study.hash
    assert any("items.per_class: = 1" in sentence for sentence in launching.warnings(study))


def test_position_order_and_the_screen_are_columns_of_every_export() -> None:
    assert "position" in tables.RESPONSES
    assert {"position", "arm"} <= set(tables.TRIALS)
    assert "device-pixel ratio" in tables.QUALITY["viewport"][2]


def test_colour_maps_are_grey_or_perceptually_uniform() -> None:
    assert set(rendering.COLOURS) == {"grey", "viridis", "cividis", "magma", "managua_r"}


def test_pictures_have_one_size_and_one_interpolation_in_the_page() -> None:
    sheet = (Path(settings.BASE_DIR) / "study/survey/static/survey.css").read_text(encoding="utf-8")
    assert "--picture: 20rem;" in sheet
    assert re.search(r"\.panel\.picture \{\s+inline-size: var\(--picture\);\s+max-inline-size: 100%;", sheet)
    assert "image-rendering: auto;" in sheet
