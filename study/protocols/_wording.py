"""The texts that the protocols share, in English and German; neutral about methods and free of what is to be found."""

from collections.abc import Sequence
from typing import Any

LANGUAGES = ("en", "de")
Text = dict[str, str]

CONSENT: Text = {
    "en": (
        "<p>You will see pictures and answer questions about them.{minutes}</p>"
        "<p>Taking part is voluntary. You can stop at any time, without giving a reason. No name and no address is "
        "stored with your answers. On the last page you get a code with which you can have them deleted later.</p>"
    ),
    "de": (
        "<p>Sie sehen Bilder und beantworten Fragen dazu.{minutes}</p>"
        "<p>Die Teilnahme ist freiwillig. Sie können jederzeit aufhören, ohne einen Grund zu nennen. Zu Ihren "
        "Antworten werden weder Name noch Adresse gespeichert. Auf der letzten Seite bekommen Sie einen Code, "
        "mit dem Sie sie später löschen lassen können.</p>"
    ),
}
MINUTES: Text = {"en": " It takes about {} minutes.", "de": " Das dauert etwa {} Minuten."}
SECONDS_A_PICTURE = 10
MINIMUM_VIEWPORT = 360  # CSS pixels: room for a picture in its full size
DEBRIEFING_CONTROL: Text = {
    "en": (
        "<p>The pictures were made by a computer program that recognises objects in photos, to show what it looks for. "
        "For some pictures what it had learned was first destroyed or another object was meant, so that there was "
        "nothing to recognise. Comparing the two tells whether such pictures make sense to people.</p>"
    ),
    "de": (
        "<p>Die Bilder stammen von einem Computerprogramm, das Gegenstände auf Fotos erkennt; sie sollen zeigen, "
        "worauf es achtet. Für einige Bilder wurde vorher zerstört, was es gelernt hatte, oder ein anderer "
        "Gegenstand war gemeint, sodass es nichts zu erkennen gab. Der Vergleich zeigt, ob solche Bilder für "
        "Menschen einen Sinn ergeben.</p>"
    ),
}
IDENTIFY: Text = {"en": "What does this picture stand for?", "de": "Wofür steht dieses Bild?"}
RATE: Text = {
    "en": "How clearly can you recognise something in this picture?",
    "de": "Wie deutlich können Sie in diesem Bild etwas erkennen?",
}
RATE_LOW: Text = {"en": "not at all", "de": "gar nicht"}
RATE_HIGH: Text = {"en": "very clearly", "de": "sehr deutlich"}
ALT: Text = {"en": "The picture that the question is about", "de": "Das Bild, um das es in der Frage geht"}

# What reports and figures call the conditions.
CLASS_MODEL: Text = {"en": "class model", "de": "Klassenmodell"}
CLASS_MODEL_RANDOMIZED: Text = {
    "en": "class model of a randomized network",
    "de": "Klassenmodell eines zufälligen Netzes",
}
GRADIENT: Text = {"en": "gradient map", "de": "Gradientenkarte"}
GRADIENT_OTHER_CLASS: Text = {"en": "gradient map for another class", "de": "Gradientenkarte für eine andere Klasse"}
OCCLUSION: Text = {"en": "occlusion map", "de": "Verdeckungskarte"}
PHOTO: Text = {"en": "photo", "de": "Foto"}

# German names of the classes that the demo network, and Simonyan et al. 2013 in their Figure 1, know.
GERMAN = {
    "bell pepper": "Paprika",
    "butterfly": "Schmetterling",
    "car": "Auto",
    "cat": "Katze",
    "computer keyboard": "Computertastatur",
    "cup": "Tasse",
    "dalmatian": "Dalmatiner",
    "dumbbell": "Hantel",
    "fish": "Fisch",
    "goose": "Gans",
    "house": "Haus",
    "kit fox": "Kitfuchs",
    "lemon": "Zitrone",
    "limousine": "Limousine",
    "measuring cup": "Messbecher",
    "mushroom": "Pilz",
    "ostrich": "Strauß",
    "porcupine": "Stachelschwein",
    "sailboat": "Segelboot",
    "Siberian husky": "Sibirischer Husky",
    "typewriter keyboard": "Schreibmaschinentastatur",
    "washer": "Waschmaschine",
    "zebra": "Zebra",
}


def names(classes: Sequence[str]) -> dict[str, Text]:
    """The classes' names in both languages, of those that have a German one; the others keep the network's label."""
    return {label: {"en": label, "de": GERMAN[label]} for label in classes if label in GERMAN}


def tasks(classes: Sequence[str], alternatives: int) -> list[dict[str, Any]]:
    """First which class the picture stands for, then how clearly it shows something."""
    identify: dict[str, Any] = {"prompt": IDENTIFY, "alt": ALT, "alternatives": alternatives}
    if named := names(classes):
        identify["names"] = named
    rate = {"prompt": RATE, "alt": ALT, "points": 7, "low_label": RATE_LOW, "high_label": RATE_HIGH}
    return [
        {"name": "identify", "trial_type": "identify_class", "options": identify},
        {"name": "rate", "trial_type": "rate", "options": rate},
    ]


def questionnaire() -> list[dict[str, Any]]:
    """An attention check, colour vision, and room for a comment."""
    read = {
        "prompt": {
            "en": "To show that you read the questions, please choose “orange” here, whatever you like best.",
            "de": "Um zu zeigen, dass Sie die Fragen lesen, wählen Sie hier bitte „Orange“, was auch immer Sie mögen.",
        },
        "choices": [
            ["apple", {"en": "apple", "de": "Apfel"}],
            ["orange", {"en": "orange", "de": "Orange"}],
            ["pear", {"en": "pear", "de": "Birne"}],
            ["plum", {"en": "plum", "de": "Pflaume"}],
        ],
        "expected": ["orange"],
    }
    colours = {
        "prompt": {
            "en": "Do you have difficulty telling some colours apart?",
            "de": "Fällt es Ihnen schwer, manche Farben zu unterscheiden?",
        },
        "choices": [
            ["no", {"en": "No", "de": "Nein"}],
            ["yes", {"en": "Yes", "de": "Ja"}],
            ["unknown", {"en": "I do not know, or prefer not to say", "de": "Weiß nicht oder keine Angabe"}],
        ],
    }
    comment = {
        "kind": "text",
        "prompt": {
            "en": "Is there anything you would like to tell us? You can leave this empty.",
            "de": "Möchten Sie uns noch etwas mitteilen? Sie können das Feld leer lassen.",
        },
        "required": False,
    }
    return [
        {"name": "attention", "trial_type": "question", "options": read},
        {"name": "colour_vision", "trial_type": "question", "options": colours},
        {"name": "comment", "trial_type": "question", "options": comment},
    ]


def consent(pictures: int = 0) -> Text:
    """The consent text; with the number of pictures, how long they take."""
    minutes = 2 + round(pictures * SECONDS_A_PICTURE / 60)
    told = {language: text.format(minutes) if pictures else "" for language, text in MINUTES.items()}
    return {language: text.format(minutes=told[language]) for language, text in CONSENT.items()}


def analysis(*, splits_by_network: bool = False) -> dict[str, Any]:
    """Accuracy against the blind control first; ratings, single items and times beside it."""
    split = [{"name": "by_network_outcome"}] if splits_by_network else []
    return {
        "primary": "accuracy_by_condition",
        "analyses": [
            {"name": "accuracy_by_condition"},
            {"name": "rating_by_condition"},
            *split,
            {"name": "by_item_and_class"},
            {"name": "response_times", "parameters": {"task": "identify"}},
        ],
    }
