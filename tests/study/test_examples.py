"""The examples: published designs as study files, prepared with the demo's networks and taken by bots."""

import json
import random
import uuid
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from attribution import tasks
from attribution.models import Measurement
from study import conclusions, document_files, frames, launching, preparation, trial_types, trials
from study.models import Participant, Study
from study.survey import session
from study.survey.answers import Given
from study.survey.rows import unanswered

from . import factories

pytestmark = pytest.mark.django_db
FOLDER = Path(settings.BASE_DIR) / "examples"
FIXTURES = Path(settings.BASE_DIR) / "fixtures" / "demo"
NO_CATCH = "catch.count: = 0: without catch trials"
NO_CEILING = "conditions: none has role = “positive_control”"
READABLE = "tasks: participants can read the class from the overlay"
# What is warned of in each, and accepted: the comment at the top of the file says why.
ACCEPTED = {
    "borowski_2021": [],
    "colin_2022": [NO_CATCH],
    "hive": [NO_CEILING, NO_CATCH, READABLE],
    "jeyakumar_2020": [NO_CEILING, NO_CATCH],
    "taesiri_2022": [NO_CEILING, READABLE],
}
BOTS = {"borowski_2021": 3, "colin_2022": 5, "hive": 5, "jeyakumar_2020": 2, "taesiri_2022": 5}  # of each arm
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def running(name: str) -> Study:
    """The example, launched: what its network says is computed, its pictures are noise."""
    document = document_files.read(text_of(name))
    network = str(document["network"])
    call_command("add_network", network, plugin="scenes", weights=str(FIXTURES / f"{network}.safetensors"), verbosity=0)
    drawn, tables = ("planted", FOLDER / "planted_objects.csv") if network == "planted" else ("scenes", None)
    folder = FIXTURES / drawn
    call_command("add_images", folder, labels=tables or folder / "labels.csv", masks=folder / "masks", verbosity=0)
    study = preparation.add(document)
    preparation.prepare(study)
    tasks.do(Measurement.objects.unfinished())
    preparation.advance(study)
    assert study.problem == ""
    factories.compute(study)
    preparation.launch(study)
    return study


def take(study: Study, seed: int, skill: float = 0.85) -> Participant:
    """A bot of some skill takes the whole study; who fails a gate is stopped there."""
    rng = random.Random(seed)
    someone = factories.participant(study, origin="simulated", language=rng.choice(["en", "de"]))
    while someone.state == Participant.State.STARTED and (due := unanswered(someone, 1)):
        trial = due[0]
        kind = trial_types.load(trial.trial_type)
        screen = trials.Screen.from_json(json.loads(json.dumps(session.screen(trial, study).to_json())))
        answer = kind.bot(screen, session.key_of(trial, study), 1.0 if is_gate(trial.phase) else skill, rng)
        given = Given(trial.position, trial.attempt, uuid.uuid4(), answer, 400 + 2000 * rng.random(), {})
        _, refused, _ = session.store(someone, [given])
        assert refused == []
    return someone


def is_gate(phase: str) -> bool:
    return phase in ("screening", "quiz", "practice", "catch")


def test_every_example_is_tried_and_documented() -> None:
    assert sorted(ACCEPTED) == EXAMPLES
    said = (Path(settings.BASE_DIR) / "docs" / "study_file.md").read_text(encoding="utf-8")
    assert all(f"`examples/{name}.toml`" in said for name in EXAMPLES)
    assert "`examples/`" in (Path(settings.BASE_DIR) / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_says_what_it_reproduces_and_where_it_differs(name: str) -> None:
    comment = text_of(name).partition("slug =")[0]
    assert comment.startswith("# The design of: ")
    assert "# Reproduced: " in comment
    assert "# Different: " in comment


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_prepared_and_taken_by_bots_of_every_arm_whose_analyses_say_something(name: str) -> None:
    study = running(name)
    warned = launching.warnings(study)
    assert len(warned) == len(ACCEPTED[name]), warned
    assert all(one.startswith(accepted) for one, accepted in zip(warned, ACCEPTED[name], strict=True)), warned
    people = [take(study, seed) for seed in range(BOTS[name] * study.arm_set.count())]
    assert {one.state for one in people} == {"completed"}
    per_arm = Counter(one.arm.name for one in people if one.arm)
    assert len(per_arm) == study.arm_set.count()
    assert max(per_arm.values()) - min(per_arm.values()) <= 1
    findings = conclusions.analyse(frames.answers(study)[0])
    assert len(findings) >= 2
    for finding in findings:
        assert finding.estimates, finding.sentence
        said = f"{finding.title} {finding.sentence} {finding.answer}"
        assert "undefined" not in said
        assert "cannot be said" not in said
        assert not any(value is None for value in (one.estimate for one in finding.estimates)), finding.title


# In the example of Borowski et al.: a line of each section, what it is mistaken for, and what is said of it.
MISTAKES = [
    ('languages = ["en", "de"]', 'languages = "en"', "languages: should be a list of language codes, such as"),
    (
        "minimum_viewport = 360",
        "minimum_viewpoint = 360",
        "is not a key of a study document; did you mean “minimum_view",
    ),
    ('version = "1"', "version = 1", "consent.version: should be a text in quotes."),
    ('order = "blocked"', 'order = "bloked"', "order = “bloked” should be"),
    ("quota = 5", "quota = -5", "design.quota: = -5 should be at least 0"),
    ('visualization = "unit"', 'visualization = "units"', "conditions[1].visualization: There is no “units” in visual"),
    ("photo = true", 'photo = "true"', "conditions[2].photo: should be true or false."),
    ('control = "randomized_network"', 'control = "random"', "conditions[3].control: = “random” should be one of"),
    ("references = 3", "references = 0", "items.references: = 0 should be at least 1"),
    ('trial_type = "match_activation"', 'trial_type = "match"', "tasks[1].trial_type: There is no “match” in trials;"),
    ("confidence_points = 3", "confidence_points = 1", "points = 1 should be from 2 to 11."),
    ('expected = ["yes"]', "", "screening[1].options: needs expected: which answers are right"),
    ("attempts = 2", "attempts = 2.5", "quiz.attempts: should be a whole number."),
    ("at_least = 0.5", "at_least = 5", "practice.at_least: = 5 should be at most 1"),
    ("count = 3", 'count = "3"', "catch.count: should be a whole number."),
    ("every = 10", "each = 10", "breaks.each: is not a key of a study document; the keys here are: every."),
    ('source = "kiosk"', 'source = "kiosks"', "recruitment[1].source: = “kiosks”"),
    (
        'primary = "accuracy_by_condition"',
        'primary = "accuracy"',
        "analysis.primary: There is no “accuracy” in analysis;",
    ),
    ('rule = "catch_ratio"', 'rule = "catch_rate"', "exclusions[1]: There is no “catch_rate” in exclusions;"),
    ("participants = 30", "participants = true", "preregistration.participants: should be a whole number."),
]


@pytest.mark.parametrize(("right", "wrong", "said"), MISTAKES)
def test_a_mistake_in_any_section_is_told_with_its_line_and_what_would_be_right(
    right: str, wrong: str, said: str
) -> None:
    lines = text_of("borowski_2021").split("\n")
    number = lines.index(right)
    lines[number] = wrong
    with pytest.raises(preparation.DocumentError) as raised:
        document_files.read("\n".join(lines))
    assert any(said in problem for problem in raised.value.problems), raised.value.problems
    header = max(n for n, line in enumerate(lines[: number + 1]) if n == 0 or line.startswith("["))
    told = {problem.partition(":")[0] for problem in raised.value.problems if said in problem}
    assert told <= {f"line {number + 1}", f"line {header + 1}"}
