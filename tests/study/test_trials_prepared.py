"""From a study document to stimuli of several pictures, and to screens that are served."""

import json
import random
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from attribution import plugins
from attribution.models import Picture
from study import document_files, preparation, trial_types, trials
from study.document import validate
from study.models import Participant, Study
from study.survey import session
from study.survey.answers import Given
from study.survey.rows import unanswered

from . import factories
from .factories import LABELS
from .test_preparation import prepared

pytestmark = pytest.mark.django_db

TEXT = {"en": "Picture", "de": "Bild"}
CONDITIONS: list[dict[str, Any]] = [
    {"name": "gradient", "method": "gradient"},
    {"name": "occlusion", "method": "occlusion"},
    {"name": "control", "method": "gradient", "control": "randomized_network", "role": "blind_control"},
]
PAIRS: list[dict[str, Any]] = [
    {"name": "methods", "compare": ["gradient", "occlusion"]},
    {"name": "against_control", "compare": ["gradient", "control"]},
]


def of(trial_type: str, conditions: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    """A document of images with one task; a text for each of its texts."""
    declared = plugins.describe("study.trials", trial_type).parameters
    texts = {name: TEXT for name, default in declared.items() if default == "" and name not in trials.SHARED}
    return factories.document(
        conditions=conditions,
        items={"images": ["*"], "target": "predicted"},
        design={"name": "between"},
        tasks=[{"name": "asked", "trial_type": trial_type, "options": {**texts, **options}}],
        practice={},
        catch={},
        analysis={"primary": "preference"},
    )


def running(document: dict[str, Any], *, wrong: set[str] = frozenset()) -> Study:  # type: ignore[assignment]
    study = prepared(document, wrong=wrong)
    assert study.problem == ""
    factories.compute(study)
    preparation.launch(study)
    return study


def answered(participant: Participant) -> list[dict[str, Any]]:
    """Every main screen answered by its type's bot; what each stored."""
    rows = []
    while participant.state == Participant.State.STARTED:
        trial = unanswered(participant, 1)[0]
        kind = trial_types.load(trial.trial_type)
        screen, key = session.screen(trial, participant.study), session.key_of(trial, participant.study)
        answer = kind.bot(trials.Screen.from_json(json.loads(json.dumps(screen.to_json()))), key, 1.0, random.Random(1))
        given = Given(trial.position, trial.attempt, uuid.uuid4(), answer, 900.0, {})
        stored, refused, _ = session.store(participant, [given])
        assert (len(stored), refused) == (1, [])
        if trial.phase == "main":
            rows.append({**trial.response.columns, "stimulus": trial.stimulus})
    return rows


@pytest.mark.parametrize("trial_type", ["choose_explanation", "tell_apart"])
def test_a_comparison_shows_each_of_its_conditions_pictures_and_nothing_else_is_scheduled(trial_type: str) -> None:
    study = running(of(trial_type, CONDITIONS + PAIRS))
    assert {arm.name for arm in study.arm_set.all()} == {"methods", "against_control"}
    assert study.stimulus_set.count() == 12 * 2
    for stimulus in study.stimulus_set.select_related("condition").prefetch_related("slots__picture__saliency_map"):
        slots = list(stimulus.slots.all())
        compared = stimulus.condition.specification["compare"]  # type: ignore[union-attr]
        assert {slot.condition.name for slot in slots if slot.condition} == set(compared)
        assert not stimulus.slots.filter(role="explanation").exists()
        assert [slot.condition.name for slot in slots[: len(stimulus.key["asked"]["shown"])] if slot.condition] == (
            stimulus.key["asked"]["shown"]
        )
        for slot in slots:
            shown = slot.picture.saliency_map  # type: ignore[union-attr]
            assert shown
            assert slot.condition
            assert shown.plugin == ("occlusion" if slot.condition.name == "occlusion" else "gradient")
            assert (shown.randomized_seed is not None) == (slot.condition.name == "control")
        addresses = [slot.picture.url for slot in slots if slot.picture]
        assert len(set(addresses)) == len(addresses) == (3 if trial_type == "tell_apart" else 2)
    rows = answered(factories.participant(study))
    assert len(rows) == 12
    if trial_type == "tell_apart":
        assert all(row["correct"] for row in rows)
    else:
        assert all(
            {row["winner"], row["loser"]} == set(row["stimulus"].condition.specification["compare"]) for row in rows
        )


def test_pictures_to_rank_are_those_of_three_conditions() -> None:
    document = of("rank_explanations", [*CONDITIONS, {"name": "all", "compare": [one["name"] for one in CONDITIONS]}])
    rows = answered(factories.participant(running(document)))
    assert {row["response"] for row in rows} <= {"gradient > occlusion > control", rows[0]["response"]}
    assert all(sorted(row["response"].split(" > ")) == ["control", "gradient", "occlusion"] for row in rows)


def test_maps_to_distinguish_are_the_same_method_of_the_same_photo_for_several_classes() -> None:
    study = running(of("distinguish", CONDITIONS[:1], panels=["photo"]), wrong={"goose_0.png"})
    stimulus = study.stimulus_set.get(item__name="goose_0.png")
    maps = [slot.picture.saliency_map for slot in stimulus.slots.filter(role="option").select_related("picture")]  # type: ignore[union-attr]
    assert {one.image.name for one in maps if one} == {"goose_0.png"}
    key = stimulus.key["asked"]
    assert [LABELS[one.target["index"]] for one in maps if one] == key["shown"]
    assert key["shown"][int(key["correct"]) - 1] == "lemon"  # what the network says, though it is a goose
    participant = factories.participant(study)
    sent = json.dumps(session.next_screens(participant))
    assert not any(label in sent for label in LABELS)


@pytest.mark.parametrize("trial_type", ["simulate_forward", "agree_with_label"])
def test_what_the_network_says_is_what_is_right(trial_type: str) -> None:
    study = running(of(trial_type, CONDITIONS[:1]), wrong={"goose_0.png"})
    keys = {one.item.name: one.key["asked"]["correct"] for one in study.stimulus_set.all() if one.item}
    assert (keys["goose_0.png"], keys["lemon_1.png"]) == (
        ("lemon", "lemon") if trial_type == "simulate_forward" else ("no", "yes")
    )
    trial = unanswered(factories.participant(study), 1)[0]
    panels = [panel for panel in session.screen(trial, study).panels if panel.kind == "picture"]
    assert len(panels) == 1


def test_a_photo_alone_is_there_in_practice_and_catch_trials_too() -> None:
    document = of("simulate_forward", CONDITIONS[:1]) | {"practice": {"count": 1}, "catch": {"count": 1}}
    study = running(document)
    participant = factories.participant(study)
    for trial in participant.trials.filter(stimulus__isnull=False):
        assert [panel.kind for panel in session.screen(trial, study).panels] == ["picture"]


def test_pairs_of_stored_photos_are_shown_with_the_right_one_known_to_the_server_only() -> None:
    pairs = [
        [f"{LABELS[n % 6]}_{n}.png", f"{LABELS[n % 6]}_{n}.png", f"{LABELS[(n + 1) % 6]}_{(n + 1) % 12}.png"]
        for n in range(12)
    ]
    study = running(of("match_activation", CONDITIONS[:1], pairs=pairs))
    for stimulus in study.stimulus_set.select_related("item"):
        shown = [slot.picture.image.name for slot in stimulus.slots.filter(role="option")]  # type: ignore[union-attr]
        assert stimulus.item
        assert shown[int(stimulus.key["asked"]["correct"]) - 1] == stimulus.item.name
    participant = factories.participant(study)
    assert ".png" in (sent := json.dumps(session.next_screens(participant)))
    assert not any(one[0] in sent for one in pairs)
    assert all(row["correct"] for row in answered(participant))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pairs": [["goose_0.png", "nowhere.png", "lemon_1.png"]]}, "pairs have none for “dalmatian_3.png”"),
        (
            {"pairs": [[f"{LABELS[n % 6]}_{n}.png", "nowhere.png", "lemon_1.png"] for n in range(12)]},
            "ask for the photo “nowhere.png”, which is not stored",
        ),
    ],
)
def test_pairs_that_are_not_there_are_told_in_words(changes: dict[str, Any], words: str) -> None:
    study = prepared(of("spot_edited", CONDITIONS[:1], **changes))
    assert study.state == Study.State.DRAFT
    assert words in study.problem


@pytest.mark.parametrize(
    ("conditions", "trial_type", "sentence"),
    [
        (
            CONDITIONS,
            "choose_explanation",
            "tasks[1].trial_type: = “choose_explanation” needs conditions that compare 2",
        ),
        (
            CONDITIONS + PAIRS,
            "rank_explanations",
            "tasks[1].trial_type: = “rank_explanations” needs conditions that",
        ),
        (CONDITIONS + PAIRS, "identify_class", "tasks[1].trial_type: = “identify_class” is about one picture"),
        (CONDITIONS + PAIRS[:1], "choose_explanation", "conditions[3]: is compared by none"),
        (
            [*CONDITIONS, {"name": "x", "compare": ["gradient", "gradients"]}],
            "choose_explanation",
            "conditions[4].compare: names “gradients”, which has no pictures; those that have: gradient, occlusion,",
        ),
        (
            [*CONDITIONS, {"name": "x", "compare": ["gradient"]}],
            "tell_apart",
            "conditions[4].compare: names one condition",
        ),
        (
            [*CONDITIONS, {"name": "x", "compare": ["gradient", "control"], "parameters": {"a": 1}}],
            "tell_apart",
            "conditions[4].parameters: belongs to the conditions that are compared",
        ),
        (
            [*CONDITIONS, {"name": "x", "method": "gradient", "compare": ["gradient", "control"]}],
            "tell_apart",
            "conditions[4]: should name exactly one of visualization, method and photo = true, or compare.",
        ),
    ],
)
def test_comparisons_that_do_not_fit_are_told_by_their_key(
    conditions: list[dict[str, Any]], trial_type: str, sentence: str
) -> None:
    problems = validate(of(trial_type, conditions))
    assert any(problem.startswith(sentence) for problem in problems), problems


def test_practice_and_catch_trials_are_refused_where_conditions_compare() -> None:
    document = of("tell_apart", CONDITIONS + PAIRS) | {"catch": {"count": 2}}
    assert validate(document) == [
        "catch.count: = 2 shows single photos, but the conditions of this study compare; it should be 0."
    ]
    study = prepared(of("distinguish", CONDITIONS[:1]) | {"practice": {"count": 1}})
    assert (
        "practice.count: shows single photos, but “asked” is about several pictures; it should be 0." in study.problem
    )


def test_the_documented_comparison_is_sound() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "study_file.md").read_text(encoding="utf-8")
    whole, *others = (part.partition("```")[0] for part in text.split("```toml\n")[1:])
    comparison, pairs, learning, marking = (
        next(one for one in others if words in one)
        for words in ("compare = [", "pairs = [", "[[training.tasks]]", "mark_region")
    )
    head, tail = whole.partition("[[conditions]]")[0], whole.partition("[preregistration]")[0].partition("[[quest")
    made = head + comparison + '[items]\nimages = ["*"]\n' + tail[1] + tail[2]
    assert document_files.read(made)["conditions"][2]["compare"] == ["gradient", "occlusion"]  # type: ignore[index]
    assert pairs.startswith("pairs = ")
    conditions = '[[conditions]]\nname = "map"\nmethod = "gradient"\n[[conditions]]\nname = "none"\nphoto = true\n'
    made = head + conditions + '[items]\nimages = ["*"]\n[training]\ncount = 4\n' + learning + tail[1] + tail[2]
    assert document_files.read(made)["training"]["count"] == 4  # type: ignore[index]
    made = head + conditions + '[items]\nimages = ["*"]\n' + marking + tail[1] + tail[2]
    assert document_files.read(made)["tasks"][0]["options"]["tool"] == "brush"  # type: ignore[index]


NEW_TYPE = '''"""Is there anything in this picture? A type of one file."""

from . import Column, Composition, Control, Screen, check_controls as check, pictures

KEYBOARD = "Tab reaches the answers."
COLUMNS: dict[str, Column] = {"response": ("string", "", "yes or no")}


def present(stimulus, *, prompt: str = "", panels: tuple = ("explanation",)) -> Screen:
    control = Control("choice", "seen", prompt, (("yes", "Yes"), ("no", "No")))
    return Screen(prompt, pictures(stimulus, panels, "Picture"), (control,))


def check_options(options): ...


def score(answer, key, options):
    return {"response": answer.get("seen")}


def chance(options):
    return None


def compose(item, items, options, rng):
    return Composition()


def bot(screen, key, skill, rng):
    return {"seen": "yes" if rng.random() < skill else "no"}
'''


@pytest.fixture
def another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of trial types beside the package's own."""
    own = plugins._path
    monkeypatch.setattr(trials, "__path__", [*trials.__path__, str(tmp_path)])
    for kind in Path(trials.__path__[0]).glob("*.py"):
        (tmp_path / kind.name).symlink_to(kind)
    monkeypatch.setattr(plugins, "_path", lambda folder: tmp_path if folder == "study.trials" else own(folder))
    trial_types.load.cache_clear()
    yield tmp_path
    trial_types.load.cache_clear()
    sys.modules.pop("study.trials.anything_there", None)


def test_a_new_trial_type_is_one_file_and_is_served_without_any_other_change(another_folder: Path) -> None:
    document = of("rate", CONDITIONS[:1])
    document["tasks"] = [{"name": "there", "trial_type": "anything_there", "options": {"prompt": TEXT}}]
    assert "There is no “anything_there” in trials" in validate(document)[0]
    (another_folder / "anything_there.py").write_text(NEW_TYPE, encoding="utf-8")
    assert validate(document) == []
    study = running(document)
    participant = factories.participant(study, language="de")
    screen = session.next_screens(participant)[0]["screen"]
    assert (screen["prompt"], screen["controls"][0]["name"]) == ("Bild", "seen")
    assert screen["panels"][0]["content"] in {picture.url for picture in Picture.objects.exclude(file="")}
    assert [row["response"] for row in answered(participant)] == ["yes"] * 12
