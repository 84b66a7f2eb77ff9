"""Do saliency maps make sense to people?

Which class does the map alone speak of, after the class discrimination of Selvaraju et al. 2017 (arXiv 1610.02391):
gradient (Simonyan et al. 2013) and occlusion (Zeiler & Fergus 2014) maps, the gradient's map of the same photo for
another class (blind control), and the photo itself (positive control). Everybody sees each photo once and every kind of
picture equally often. Neither the photo nor the class is shown beside a map.
"""

from collections.abc import Sequence
from typing import Any

from . import _wording as wording

VERSION = 1


def document(
    *,
    network: str = "",
    images: Sequence[str] = ("*",),
    target: str = "label",
    slug: str = "sense-of-saliency-maps",
    alternatives: int = 4,
    practice: int = 2,
    catch: int = 2,
    reason: str = "",
    seed: int = 1,
) -> dict[str, Any]:
    """A study of maps of the stored images whose names match ``images``, for their label or the predicted class."""
    return {
        "slug": slug,
        "title": {"en": "What do you see in these pictures?", "de": "Was sehen Sie in diesen Bildern?"},
        "question": {
            "en": "Can people tell from a saliency map which class it is for?",
            "de": "Können Menschen an einer Salienzkarte erkennen, für welche Klasse sie steht?",
        },
        "languages": list(wording.LANGUAGES),
        "network": network,
        "seed": seed,
        "minimum_viewport": wording.MINIMUM_VIEWPORT,
        "consent": {"version": "1", "text": wording.consent()},
        "instructions": {
            "text": {
                "en": (
                    "<p>Most pictures are maps of a photo: the brighter a place, the more it mattered for recognising "
                    "one kind of thing. Choose which thing; some are hard, so guess if you are not sure. Then say how "
                    "clearly you can recognise something in the picture.</p>"
                ),
                "de": (
                    "<p>Die meisten Bilder sind Karten eines Fotos: je heller eine Stelle, desto wichtiger war sie, um "
                    "eine Art von Dingen zu erkennen. Wählen Sie, welche; manche sind schwer, raten Sie also, wenn Sie "
                    "unsicher sind. Sagen Sie dann, wie deutlich Sie in dem Bild etwas erkennen.</p>"
                ),
            }
        },
        "debriefing": {"text": wording.DEBRIEFING_CONTROL},
        "design": {"name": "latin_square"},
        "conditions": [
            {"name": "gradient", "label": wording.GRADIENT, "role": "treatment", "method": "gradient"},
            {"name": "occlusion", "label": wording.OCCLUSION, "role": "treatment", "method": "occlusion"},
            {
                "name": "other_class",
                "label": wording.GRADIENT_OTHER_CLASS,
                "role": "blind_control",
                "method": "gradient",
                "control": "other_class",
            },
            {"name": "photo", "label": wording.PHOTO, "role": "positive_control", "photo": True},
        ],
        "items": {"images": list(images), "target": target, "reason": reason},
        "tasks": wording.tasks(list(wording.GERMAN), alternatives),
        "practice": {"count": practice, "feedback": True},
        "catch": {"count": catch},
        "questionnaire": wording.questionnaire(),
        "analysis": wording.analysis(splits_by_network=True),
        "exclusions": [{"rule": "catch_ratio", "parameters": {"at_least": 0.5}}] if catch else [],
    }
