"""Rows for tests: a network, labelled images, and studies that are ready or running, their pictures made of noise.

Studies go through ``preparation`` as real ones do; only what workers would compute is written by hand.
"""

import copy
import io
import random
from typing import Any

from django.core.files.base import ContentFile
from PIL import Image as PillowImage

from attribution.models import Image, Measurement, Network, Picture, SaliencyMap, State, Visualization, digest
from study import enrolment, preparation
from study.models import Participant, Recruitment, Study

LABELS = ["goose", "lemon", "dumbbell", "dalmatian", "kettle", "ostrich"]
GERMAN = ["Gans", "Zitrone", "Hantel", "Dalmatiner", "Kessel", "Strauß"]

DOCUMENT: dict[str, Any] = {
    "slug": "sense-of-geese",
    "title": {"en": "What do you see?", "de": "Was sehen Sie?"},
    "question": {"en": "Do class models make sense?", "de": "Ergeben Klassenmodelle einen Sinn?"},
    "languages": ["en", "de"],
    "network": "tested",
    "seed": 7,
    "consent": {
        "version": "2",
        "text": {
            "en": "<p>You will see pictures that a computer made and say what they show. Five minutes.</p>"
            "<p>No name and no address is stored. You can stop at any time.</p>",
            "de": "<p>Sie sehen Bilder, die ein Computer gemacht hat, und sagen, was sie zeigen. Fünf Minuten."
            "</p><p>Weder Name noch Adresse werden gespeichert. Sie können jederzeit aufhören.</p>",
        },
    },
    "instructions": {
        "text": {
            "en": "<p>For each picture, choose what it shows. Then say how much sense it makes.</p>",
            "de": "<p>Wählen Sie zu jedem Bild, was es zeigt. Sagen Sie dann, wie viel Sinn es ergibt.</p>",
        }
    },
    "debriefing": {
        "text": {
            "en": "<p>Half of the pictures were made with a network that had learned nothing.</p>",
            "de": "<p>Die Hälfte der Bilder kam von einem Netz, das nichts gelernt hatte.</p>",
        }
    },
    "design": {"name": "between"},
    "conditions": [
        {"name": "trained", "visualization": "class_model"},
        {
            "name": "shuffled",
            "visualization": "class_model",
            "control": "randomized_network",
            "role": "blind_control",
        },
    ],
    "items": {"classes": LABELS[:4]},
    "tasks": [
        {
            "name": "identify",
            "trial_type": "identify_class",
            "options": {
                "prompt": {"en": "What does this picture show?", "de": "Was zeigt dieses Bild?"},
                "alt": {"en": "The picture to judge", "de": "Das zu beurteilende Bild"},
                "names": {label: {"en": label, "de": german} for label, german in zip(LABELS, GERMAN, strict=True)},
            },
        },
        {
            "name": "sense",
            "trial_type": "rate",
            "options": {
                "prompt": {"en": "How much sense does this picture make?", "de": "Wie viel Sinn ergibt dieses Bild?"},
                "alt": {"en": "The picture to judge", "de": "Das zu beurteilende Bild"},
                "low_label": {"en": "none at all", "de": "gar keinen"},
                "high_label": {"en": "complete sense", "de": "vollen Sinn"},
            },
        },
    ],
    "practice": {"count": 1, "feedback": True},
    "catch": {"count": 1},
    "questionnaire": [
        {
            "name": "colours",
            "trial_type": "question",
            "options": {
                "prompt": {"en": "Do you see colours well?", "de": "Sehen Sie Farben gut?"},
                "choices": [
                    ["yes", {"en": "Yes", "de": "Ja"}],
                    ["no", {"en": "No", "de": "Nein"}],
                    ["unsure", {"en": "I do not know", "de": "Ich weiß es nicht"}],
                ],
            },
        },
        {
            "name": "comment",
            "trial_type": "question",
            "options": {
                "kind": "text",
                "required": False,
                "prompt": {"en": "Anything else?", "de": "Sonst noch etwas?"},
            },
        },
    ],
    "analysis": {"primary": "accuracy_by_condition"},
}


def document(**changes: Any) -> dict[str, Any]:
    """A document with the top-level keys of ``changes`` in place of its own."""
    return {**copy.deepcopy(DOCUMENT), **changes}


def png(seed: int, size: int = 64) -> bytes:
    """A picture of coarse coloured noise, another one for each seed."""
    rng = random.Random(seed)
    coarse = PillowImage.frombytes("RGB", (8, 8), rng.randbytes(192))
    file = io.BytesIO()
    coarse.resize((size, size), PillowImage.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def network(name: str = "tested") -> Network:
    found = Network.objects.filter(name=name).first()
    return found or Network.objects.create(
        name=name,
        plugin="scenes",
        checkpoint="networks/none.safetensors",
        weights_hash=digest(name),
        labels=LABELS,
        view_resize=64,
        view_size=64,
        architecture="scenes",
        parameter_count=1,
    )


def images(count: int = 12) -> list[Image]:
    """Labelled images, the labels in turn."""
    made = []
    for number in range(count):
        label = LABELS[number % len(LABELS)]
        image, is_new = Image.objects.get_or_create(
            name=f"{label}_{number}.png",
            defaults={
                "content_hash": digest(["image", number]),
                "width": 64,
                "height": 64,
                "label": label,
                "label_index": LABELS.index(label),
            },
        )
        if is_new:
            image.file.save("any.png", ContentFile(png(number)))
        made.append(image)
    return made


def compute(study: Study) -> None:
    """Write what workers would: each computation done, each picture a PNG."""
    for kind in (Measurement, SaliencyMap, Visualization):
        kind.objects.unfinished().update(state=State.DONE, progress=1)
    for picture in Picture.objects.unfinished():
        picture.file.save("any.png", ContentFile(png(picture.pk, 96)), save=False)
        picture.state, picture.progress, picture.width, picture.height = State.DONE, 1, 96, 96
        picture.save()
    preparation.advance(study)


def ready_study(**changes: Any) -> Study:
    """A study with everything computed, not yet launched."""
    network()
    images()
    study = preparation.add(document(**changes))
    preparation.prepare(study)
    compute(study)
    if study.state != Study.State.READY:
        raise ValueError(f"{study} is {study.state}: {study.problem}")
    return study


def running_study(**changes: Any) -> Study:
    study = ready_study(**changes)
    preparation.launch(study)
    return study


def recruitment(study: Study, **changes: Any) -> Recruitment:
    """A source of the study: its own first one, or a new one with ``changes``."""
    if not changes:
        return study.recruitment_set.order_by("pk")[0]
    return Recruitment.objects.create(study=study, **{"name": "another", **changes})


def participant(study: Study, **changes: Any) -> Participant:
    """Somebody who has just agreed to take part."""
    values = {"origin": "person", "language": "en", "consent_version": "2", **changes}
    return enrolment.enrol(values.pop("source", None) or recruitment(study), **values)
