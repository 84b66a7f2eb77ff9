"""Do class models make sense to people?

Simonyan, Vedaldi & Zisserman 2013 (arXiv 1312.6034) showed class models and asked nobody what they show. Here people
choose the class among several and rate the picture: class models of the network (treatment), of the same network with
its weights shuffled (blind control), and real photos (positive control), each participant only one kind of picture.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from . import _wording as wording

VERSION = 1


def document(
    *,
    network: str = "",
    classes: Sequence[str] = (),
    slug: str = "sense-of-class-models",
    per_class: int = 1,
    alternatives: int = 4,
    practice: int = 2,
    catch: int = 2,
    parameters: Mapping[str, Any] | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """A study of ``per_class`` class models of each class; ``parameters`` are those of the visualization."""
    of_network = {"visualization": "class_model", "parameters": dict(parameters or {})}
    return {
        "slug": slug,
        "title": {"en": "What do you see in these pictures?", "de": "Was sehen Sie in diesen Bildern?"},
        "question": {
            "en": "Do pictures of what a network looks for in a class make sense to people?",
            "de": "Ergeben Bilder davon, was ein Netz in einer Klasse sucht, für Menschen einen Sinn?",
        },
        "languages": list(wording.LANGUAGES),
        "network": network,
        "seed": seed,
        "minimum_viewport": wording.MINIMUM_VIEWPORT,
        "consent": {"version": "1", "text": wording.consent(len(classes) * per_class + practice + catch)},
        "instructions": {
            "text": {
                "en": (
                    "<p>Each picture stands for one kind of thing. Choose which one; some pictures are hard, so guess "
                    "if you are not sure. Then say how clearly you can recognise something in it.</p>"
                ),
                "de": (
                    "<p>Jedes Bild steht für eine Art von Dingen. Wählen Sie, welche; manche Bilder sind schwer, raten "
                    "Sie also, wenn Sie unsicher sind. Sagen Sie dann, wie deutlich Sie darin etwas erkennen.</p>"
                ),
            }
        },
        "debriefing": {"text": wording.DEBRIEFING_CONTROL},
        "design": {"name": "between"},
        "conditions": [
            {"name": "class_model", "label": wording.CLASS_MODEL, "role": "treatment", **of_network},
            {
                "name": "randomized",
                "label": wording.CLASS_MODEL_RANDOMIZED,
                "role": "blind_control",
                "control": "randomized_network",
                **of_network,
            },
            {"name": "photo", "label": wording.PHOTO, "role": "positive_control", "photo": True},
        ],
        "items": {"classes": list(classes), "per_class": per_class},
        "tasks": wording.tasks(list(wording.GERMAN), min(alternatives, max(len(classes), 2))),
        "practice": {"count": practice, "feedback": True},
        "catch": {"count": catch},
        "questionnaire": wording.questionnaire(),
        "analysis": wording.analysis(),
        "exclusions": [{"rule": "catch_ratio", "parameters": {"at_least": 0.5}}] if catch else [],
    }
