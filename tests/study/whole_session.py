"""A study with all that a session can have: screening, quiz, practice, training, repeats, catch trials, rests."""

from typing import Any

from study import preparation
from study.models import Study

from . import factories
from .test_preparation import prepared


def text(english: str, german: str) -> dict[str, str]:
    return {"en": english, "de": german}


def question(name: str, english: str, german: str) -> dict[str, Any]:
    choices = [["yes", text("Yes", "Ja")], ["no", text("No", "Nein")]]
    options = {"prompt": text(english, german), "choices": choices, "expected": ["yes"]}
    return {"name": name, "trial_type": "question", "options": options}


LEARN = {
    "name": "learn",
    "trial_type": "example",
    "options": {
        "prompt": text("Look at the photo and its map.", "Sehen Sie das Foto und seine Karte an."),
        "alt": text("Photo or map", "Foto oder Karte"),
        "says": text("The network says: {label}", "Das Netz sagt: {label}"),
        "seen_label": text("I have looked at it", "Ich habe es angesehen"),
    },
}
PREDICT = {
    "name": "predict",
    "trial_type": "simulate_forward",
    "options": {
        "prompt": text("What will the network say of this photo?", "Was wird das Netz zu diesem Foto sagen?"),
        "alt": text("Photo", "Foto"),
        "k": 2,
    },
}
CHANGES: dict[str, Any] = {
    "slug": "whole-session",
    "screening": [question("adult", "Are you 18 or older?", "Sind Sie 18 oder älter?")],
    "quiz": {
        "attempts": 2,
        "questions": [
            question("judge", "Will you judge pictures?", "Werden Sie Bilder beurteilen?"),
            question("stop", "Can you stop at any time?", "Können Sie jederzeit aufhören?"),
        ],
    },
    "items": {"images": ["*"], "target": "predicted"},
    "conditions": [
        {"name": "gradient", "method": "gradient"},
        {"name": "none", "photo": True, "role": "blind_control"},
    ],
    "tasks": [PREDICT],
    "practice": {"count": 1, "images": ["*_0.png"], "at_least": 1.0},
    "training": {"count": 2, "images": ["*_1.png", "*_2.png"], "tasks": [LEARN]},
    "catch": {"count": 1, "images": ["*_3.png"]},
    "repeats": {"count": 1},
    "breaks": {"every": 4},
    "recruitment": [{"name": "panel", "source": "prolific", "codes": {"complete": "CWHOLE", "failed_check": "CFAIL"}}],
}
# 1 screening, 2 quiz, 1 practice, 2 training, 8 main, 1 repeat, 1 catch, 2 questionnaire: where nothing is tried again.
TRIALS = 18


PHASES = ("screening", "quiz", "practice", "training", "main", "repeat", "catch", "questionnaire")


def running_study() -> Study:
    """The study, launched; the network says of each photo what its label says."""
    study = prepared(factories.document(**CHANGES))
    factories.compute(study)
    preparation.launch(study)
    return study
