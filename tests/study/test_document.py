"""The study document: what is wrong is told by key, with what would be right; what is right is completed."""

import copy
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from study import designs, document_files, safeguards
from study.document import completed, localised, validate
from study.document_keys import KEYS, Key
from study.models import Participant, Recruitment, Study
from study.selection import DocumentError

from .factories import document as of_classes

TEXT = {"en": "A text", "de": "Ein Text"}


def of_images() -> dict[str, Any]:
    return {
        **of_classes(),
        "minimum_viewport": 360,
        "items": {"images": ["photo_*"]},
        "design": {"name": "latin_square"},
        "conditions": [
            {"name": "gradient", "method": "gradient"},
            {"name": "other", "method": "gradient", "control": "other_class", "role": "blind_control"},
            {"name": "photo", "photo": True, "role": "positive_control"},
        ],
    }


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with ``value`` at a dotted path; numbers index lists, None deletes."""
    made: Any = copy.deepcopy(document)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inner = made
    for step in way:
        inner = inner[step]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return dict(made)


def test_a_document_with_nothing_wrong_has_no_problems() -> None:
    assert validate(of_classes()) == []
    assert validate(of_images()) == []
    assert validate(completed(of_classes())) == []


OPTIONS = "tasks.0.options"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("slug", None, "slug: is missing."),
        ("slug", "Geese & Co", "slug: should be lower-case letters"),
        ("sedd", 3, "sedd: is not a key of a study document; did you mean “seed”?"),
        ("zzz", 3, "zzz: is not a key of a study document; the keys here are: slug, title,"),
        ("languages", [], "languages: is empty; it should be a list of language codes"),
        ("languages", ["english"], 'languages: should be a list of language codes, such as ["en", "de"].'),
        ("title", "Geese", 'title: should be a text in each language: { en = "…", de = "…" }.'),
        ("title", {"en": "Geese"}, "title: has no text in de; it should be"),
        ("title", {**TEXT, "fr": "Oies"}, "title: has a text in fr, which languages does not name."),
        ("seed", -1, "seed: = -1 should be at least 0."),
        ("seed", True, "seed: should be a whole number."),
        ("seed", 2**60, "seed: = 1152921504606846976 should be at most"),
        ("consent.text", None, "consent.text: is missing."),
        (
            "design.name",
            "betwen",
            "design: There is no “betwen” in designs; there are: all_permutations, between, factorial",
        ),
        ("design.order", "blocked", "design.order: “between” has no parameter “order”; it has: none."),
        ("design.quota", -2, "design.quota: = -2 should be at least 0."),
        ("conditions", [], "conditions: is empty; it needs at least one table [[conditions]]."),
        ("conditions", {}, "conditions: should be a list of tables, each written [[conditions]]."),
        ("conditions.1.name", "trained", "conditions[2].name: = “trained” is there twice; each needs its own."),
        (
            "conditions.0.role",
            "control",
            "conditions[1].role: = “control” should be one of: “treatment”, “blind_control”",
        ),
        (
            "conditions.0.photo",
            True,
            "conditions[1]: should name exactly one of visualization, method and photo = true, or compare.",
        ),
        ("conditions.0.visualization", None, "conditions[1]: should name exactly one of"),
        (
            "conditions.0.visualization",
            "class_modell",
            "conditions[1].visualization: There is no “class_modell” in visualizations; there are: ",
        ),
        (
            "conditions.0.parameters",
            {"step": 9},
            "conditions[1].parameters.step: “class_model” has no parameter “step”; it has",
        ),
        (
            "conditions.0.parameters",
            {"steps": "9"},
            'conditions[1].parameters.steps: “class_model”: steps = "9" should be a whole number, like',
        ),
        ("conditions.0.control", "other_class", "conditions[1].control: = “other_class” belongs to a method"),
        ("conditions.0.control", "another", "conditions[1].control: = “another” should be one of: “”, “other_class”"),
        ("conditions.0.rendering", {"display": "map"}, "conditions[1].rendering.display: = “map” should be one of"),
        ("conditions.0.rendering", {"colours": "jet"}, "conditions[1].rendering: The display “visualization” has no"),
        ("items.images", ["*"], "items: should have either classes (of visualizations) or images (of saliency maps)."),
        ("items.per_class", 0, "items.per_class: = 0 should be at least 1."),
        ("items.classes", ["goose", "goose"], "items.classes: names something twice."),
        ("items.classes", ["goose", "lemon"], "tasks[1].options: alternatives = 4 need 3 classes besides “goose”"),
        ("tasks.0.trial_type", "identify", "tasks[1].trial_type: There is no “identify” in trials; there are: "),
        ("tasks.1.name", "identify", "tasks[2].name: = “identify” is there twice"),
        ("questionnaire.0.name", "identify", "questionnaire[1].name: = “identify” is a task's name too"),
        (f"{OPTIONS}.promt", TEXT, "tasks[1].options.promt: “identify_class” has no parameter “promt”; it has: prompt"),
        (f"{OPTIONS}.prompt", None, "tasks[1].options: needs two texts: prompt"),
        (f"{OPTIONS}.prompt", "What?", "tasks[1].options.prompt: should be a text in each language"),
        (f"{OPTIONS}.names", {"goose": {"en": "goose"}}, "tasks[1].options.names.goose: has no text in de"),
        (f"{OPTIONS}.panels", ["photo"], "tasks[1].options.panels: has no “photo” to show; there are: explanation."),
        (
            f"{OPTIONS}.alternatives",
            9,
            "tasks[1].options: alternatives = 9 need 8 classes besides “goose”, but there are 3",
        ),
        (
            "questionnaire.0.options.choices",
            [["yes", "Yes"]],
            "questionnaire[1].options.choices[1]: should be a text in each",
        ),
        ("questionnaire.0.trial_type", "identify_class", "questionnaire[1].options"),
        ("practice.count", "two", "practice.count: should be a whole number."),
        (
            "recruitment",
            [{"name": "link", "codes": {"done": "X"}}],
            "recruitment[1].codes: should hold codes under the names",
        ),
        (
            "recruitment",
            [{"name": "link", "return_urls": {"complete": "javascript:alert(1)"}}],
            "recruitment[1].return_urls: should hold web addresses under the names complete",
        ),
        (
            "analysis.primary",
            "accuracy",
            "analysis.primary: There is no “accuracy” in analysis; there are: accuracy_by_",
        ),
        ("analysis.alpha", 0.9, "analysis.alpha: = 0.9 should be between 0 and 0.5."),
        (
            "analysis.analyses",
            [{"name": "accuracy_by_condition", "parameters": {"interval": "sem"}}],
            "analysis.analyses[1].parameters.interval: “sem” is no interval; there are: two_way_95",
        ),
        (
            "analysis.analyses",
            [{"name": "accuracy_by_condition", "parameters": {"seed": -1}}],
            "analysis.analyses[1].parameters.seed: should be a whole number, 0 or more.",
        ),
        (
            "analysis.analyses",
            [{"name": "rating_by_condition"}],
            "analysis.primary: = “accuracy_by_condition” should be one of analysis.analyses.",
        ),
        ("exclusions", [{"rule": "hunch"}], "exclusions[1]: There is no “hunch” in exclusions; there are: "),
    ],
)
def test_each_problem_is_told_by_its_key_with_what_would_be_right(path: str, value: Any, sentence: str) -> None:
    problems = validate(changed(of_classes(), path, value))
    assert any(problem.startswith(sentence) for problem in problems), problems


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("items", {"classes": ["goose", "lemon", "cup", "dumbbell"]}, "conditions[1].method: needs items.images"),
        (
            "conditions.0",
            {"name": "model", "visualization": "class_model"},
            "conditions[1].visualization: needs items.class",
        ),
        ("conditions.2.control", "other_image", "conditions[3].control: belongs to a visualization or a method"),
        ("items.per_class", 2, "items.per_class: belongs to classes; images are shown once each."),
        ("items.target", "truth", "items.target: = “truth” should be one of: “label”, “predicted”."),
        ("conditions.0.rendering", {"scale": "joint"}, "conditions[1].rendering: "),
        ("design", {"name": "mixed"}, "design: groups should be two or more lists of conditions"),
        (
            "design",
            {"name": "mixed", "groups": [["gradient", "photo"], ["other"], ["foto"]]},
            "design: groups: “foto” of group 3 is no condition; there are: gradient, other, photo.",
        ),
        (
            "design",
            {"name": "factorial", "factors": ["method", "display"]},
            "design: The condition “gradient” should be called by its 2 levels (method, display)",
        ),
        ("design", {"name": "item_lists", "items_each": 2}, "design: items_each = 2 makes lists of 2 items, too few"),
    ],
)
def test_problems_of_studies_of_images_are_told_too(path: str, value: Any, sentence: str) -> None:
    problems = validate(changed(of_images(), path, value))
    assert any(problem.startswith(sentence) for problem in problems), problems


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("tasks.0.options", {"en": "What is it?", "de": "Was ist es?"}, "“identify_class” has no parameter “en”"),
        ("tasks.0.options.names", "geese", 'names: should be a table of texts, such as { goose = { en = "goose" } }.'),
        ("tasks.0.options.names", ["goose"], "names: should be a table of texts"),
        ("questionnaire.0.options.expected", [True], 'expected should hold texts, such as ["yes"], or numbers.'),
        ("questionnaire.0.options.expected", [["yes"]], 'expected should hold texts, such as ["yes"], or numbers.'),
        ("questionnaire.0.options.expected", [1], "expected holds 1, which is none of the choices."),
        ("tasks.0.trial_type", "x" * 300, "There is no “xxx"),
        ("tasks.0.options.panels", [["explanation"]], "panels: has no “['explanation']” to show; there are: "),
        ("tasks.0.options.pool", [date(2026, 1, 1)], "pool[1]: = 2026-01-01 is a date or a time; a text stands in"),
        ("conditions.0.parameters", {"steps": math.inf}, "parameters.steps: = inf should be a number that ends."),
        ("design.by", math.nan, "design.by: = nan should be a number that ends."),
        (
            "consent.text.de",
            "<iframe src='https://v.example/'></iframe>",
            "consent.text: says nothing in de once all but",
        ),
        ("title.de", "Was\0", "title.de: holds a NUL character, which no database stores."),
        ("identities_until", date(2027, 12, 31), 'identities_until: should be a date in quotes, such as "2027-12-31".'),
        ("analysis.alpha", math.nan, "analysis.alpha: should be a number."),
        ("analysis.alpha", 10**400, "analysis.alpha: should be a number."),
        ("design.by", -(10**400), "design.by: has 401 digits, more than any number is computed with."),
    ],
)
def test_values_that_nothing_can_be_done_with_are_told_too(path: str, value: Any, words: str) -> None:
    problems = validate(changed(of_classes(), path, value))
    assert words in "\n".join(problems)
    assert len({problem.path for problem in problems}) == len(problems)


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("slug", (Study, "slug")),
        ("consent.version", (Participant, "consent_version")),
        ("recruitment.0.name", (Recruitment, "name")),
        ("recruitment.0.identity_parameter", (Recruitment, "identity_parameter")),
    ],
)
def test_a_text_that_its_column_does_not_hold_is_refused(path: str, column: tuple[Any, str]) -> None:
    model, name = column
    most = model._meta.get_field(name).max_length
    document = {**of_classes(), "recruitment": [{"name": "panel"}]}
    assert validate(changed(document, path, "x" * most)) == []
    assert [str(one).partition(": ")[2] for one in validate(changed(document, path, "x" * (most + 1)))] == [
        f"has {most + 1} characters; {most} are the most."
    ]


def test_a_language_code_that_its_column_does_not_hold_is_none() -> None:
    most = Participant._meta.get_field("language").max_length or 0
    for code, is_one in (("de-Latn-1996", True), ("de-Latn-DE-1996", False)):
        assert (len(code) <= most) == is_one
        told = "\n".join(validate(changed(of_classes(), "languages", [code])))
        assert ("languages: should be a list of language codes" not in told) == is_one


@pytest.mark.parametrize("items_each", [3, 7, 13, 100])
def test_a_design_that_fits_some_number_of_images_is_not_refused_before_they_are_counted(items_each: int) -> None:
    assert validate({**of_images(), "design": {"name": "item_lists", "items_each": items_each}}) == []


def test_a_design_that_shows_an_item_twice_without_being_asked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(items: list[str], conditions: list[str], strata: Any, *, seed: int) -> list[designs.Arm]:
        return [designs.Arm("all", tuple(designs.Presentation(items[0], condition) for condition in conditions))]

    monkeypatch.setattr("study.designs.between.schedule", doubled)
    words = "design: Nobody should see an item under two conditions unless repeat_items = true asks for it, but the arm"
    assert validate(of_classes()) == [f"{words} “all” shows “goose” as trained and as shuffled."]


def test_all_problems_are_told_at_once() -> None:
    document = changed(changed(of_classes(), "title", "x"), "conditions.0.parameters", {"stepz": 1})
    document["analysis"]["alpha"] = 2
    assert {problem.path[0] for problem in validate(document)} == {"title", "conditions", "analysis"}


def test_a_class_is_not_named_before_it_is_asked_for() -> None:
    document = of_classes()
    document["tasks"] = [changed(document, "tasks.1.options.name_class", True)["tasks"][1], document["tasks"][0]]
    assert "tasks[2]: asks what “sense” before it has told" in validate(document)[0]


def test_catch_trials_need_a_task_with_a_right_answer() -> None:
    document = of_classes()
    document["tasks"] = document["tasks"][1:]
    assert "catch.count: = 1 needs a task whose answers are right or wrong" in validate(document)[1]


def test_html_is_cleaned_of_what_could_act() -> None:
    bad = '<p onclick="x()">Hello<script>alert(1)</script><img src="http://elsewhere/x.png">'
    bad += ' <a href="javascript:x">no</a></p>'
    whole = completed(changed(of_classes(), "consent.text", {"en": bad, "de": "<b>Ja</b>"}))
    english = whole["consent"]["text"]["en"]
    assert not any(word in english for word in ("script", "onclick", "img", "elsewhere"))
    assert english.startswith("<p>Hello")
    assert whole["consent"]["text"]["de"] == "<b>Ja</b>"


def test_defaults_are_filled_in_and_the_original_is_left_alone() -> None:
    document = of_classes()
    before = copy.deepcopy(document)
    whole = completed(document)
    assert document == before
    assert whole["analysis"]["analyses"] == [{"name": "accuracy_by_condition", "parameters": {}}]
    assert whole["recruitment"][0]["name"] == "link"
    assert whole["conditions"][0]["rendering"]["display"] == "visualization"
    assert completed(whole) == whole


def test_a_text_is_localised_however_deep_and_nothing_else_is_touched() -> None:
    value = {"a": [TEXT, {"b": TEXT}], "parameters": {"steps": 3}, "names": {"goose": {"en": "goose", "de": "Gans"}}}
    assert localised(value, "de") == {
        "a": ["Ein Text", {"b": "Ein Text"}],
        "parameters": {"steps": 3},
        "names": {"goose": "Gans"},
    }


STUDY_FILE = """
slug = "geese"
title = { en = "Geese" }
question = { en = '''
conditions = "not a key, but text"
''' }
languages = ["en"]
network = "scenes"

[consent]
text = { en = "<p>Yes?</p>" }

[instructions]
text = { en = "<p>Look.</p>" }

[design]
name = "between"

[[conditions]]
name = "model"
visualization = "class_model"

[[conditions]]
name = "shuffled"
visualization = "class_model"
contol = "randomized_network"
rendering.scale = "loud"

[items]
classes = ["goose", "lemon"]

[[tasks]]
name = "identify"
trial_type = "identify_class"
[tasks.options]
alternatives = 2
prompt = { en = "Which?" }
alt = { en = "picture" }

[analysis]
primary = "accuracy_by_condition"
alpha = 3
"""


def line_of(key: str) -> str:
    (number,) = [n for n, line in enumerate(STUDY_FILE.splitlines(), start=1) if line.startswith(f"{key} = ")]
    return f"line {number}"


def test_problems_in_a_file_begin_with_their_line() -> None:
    with pytest.raises(DocumentError) as raised:
        document_files.read(STUDY_FILE)
    told = {problem.split(": ")[1]: problem.split(":")[0] for problem in raised.value.problems}
    assert told["conditions[2].contol"] == line_of("contol")
    assert told["analysis.alpha"] == line_of("alpha")
    fixed = STUDY_FILE.replace("contol", "control").replace("alpha = 3", "alpha = 0.01")
    with pytest.raises(DocumentError, match=rf"{line_of('rendering.scale')}: conditions\[2\].rendering: "):
        document_files.read(fixed)
    read = document_files.read(fixed.replace("loud", "own"))
    assert read["slug"] == "geese"


def test_a_file_that_is_not_toml_is_refused_with_the_line() -> None:
    with pytest.raises(DocumentError, match=r"line 2: this is not TOML: .*: title ="):
        document_files.read('slug = "geese"\ntitle = \n')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed = 3\nseed = 4", "line 2: this is not TOML: Cannot overwrite a value; it is there twice"),
        ("[catch]\n[catch]", "line 2: this is not TOML: Cannot declare ('catch',) twice; it is there twice"),
        ("[tasks]\n[[tasks]]", "a table of a list as [[…]]: [[tasks]]"),
        ('seed = 3"', "one key a line"),
        ('title = { en = "Geese"', "ends on the line on which it begins"),
        ("photo = True", "true and false are in lower case: photo = True"),
        ("title", "after a key comes = and its value"),
        ("languages = [", "line 1: this is not TOML: "),
        ("languages = " + "[" * 5000, "This is no study document: lists or tables in it stand in each other"),
        ("[conditions]\nx" + ".a" * 5000 + " = 1", "lists or tables in it stand in each other without end."),
        ("seed = " + "9" * 5000, "This is no study document: Exceeds the limit"),
    ],
)
def test_a_file_that_is_not_toml_is_told_in_words_that_say_what_would_be_right(text: str, sentence: str) -> None:
    with pytest.raises(DocumentError) as raised:
        document_files.read(text)
    assert sentence in str(raised.value)


def test_where_languages_is_wrong_nothing_is_said_of_the_texts() -> None:
    for wrong in ("en", ["English"], []):
        problems = validate(changed(of_images(), "languages", wrong))
        assert [problem.path[0] for problem in problems] == ["languages"]


def test_the_line_of_a_problem_is_that_of_its_key_or_of_the_nearest_table_around_it() -> None:
    text = 'slug = "geese"\n[[conditions]]\nname = "a"\n[[conditions]]\nname = "b"\nrendering = { display = "x" }\n'
    lines = {"conditions[2].rendering.display": "line 6", "conditions[1].role": "line 2", "items": "items"}
    lines |= {"conditions": "line 2"}  # a list itself, such as one that the document has no such key for
    found = document_files.located(text, [f"{key}: is wrong." for key in lines])
    assert [one.partition(":")[0] for one in found] == list(lines.values())


def warned(document: dict[str, Any]) -> str:
    assert validate(document) == []
    return "\n".join(safeguards.warnings(document))


def test_the_documentation_shows_every_key_and_its_example_is_sound() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "study_file.md").read_text(encoding="utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    document = document_files.read(example)
    assert warned(document) == ""

    def missing(keys: Mapping[str, Key], tables: list[Any]) -> list[str]:
        found = [key for key in keys if not any(key in table for table in tables)]
        for name, key in keys.items():
            inner = [table[name] for table in tables if name in table]
            nested = [one for value in inner for one in (value if isinstance(value, list) else [value])]
            found += missing(key.keys, nested) if key.keys and nested else []
        return [name for name in found if f"{name} = " not in text]

    assert missing(KEYS, [document]) == []
