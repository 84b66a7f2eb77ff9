"""An example to learn from: the photo, its map, and what the network says of it.

The training phase of forward simulation: Colin et al. 2022 (arXiv 2112.04417). Nothing is asked but to have looked at
it; which pictures it shows is an option, so that the arm without maps learns from the same photos and answers.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from . import (
    Answer,
    Column,
    Composition,
    Control,
    Item,
    OptionError,
    Options,
    Panel,
    Screen,
    Slot,
    Stimulus,
    check_controls,
    named,
    pictures,
)

VERSION = 1
KEYBOARD = "1 says that it was looked at, Enter goes on."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "the network's answer, which was shown, once it was looked at"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    says: str = "",
    seen_label: str = "",
    names: Mapping[str, str] | None = None,
    panels: Sequence[str] = ("photo", "explanation"),
) -> Screen:
    """The pictures over ``says``, in which {label} is the network's answer."""
    told = [says.replace("{label}", named(slot.text, names)) for slot in stimulus.having("network_says")]
    control = Control("choice", "seen", prompt, (("seen", seen_label),))
    return Screen(prompt, (*pictures(stimulus, panels, alt), *(Panel("text", text) for text in told)), (control,))


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"] or not options["seen_label"]:
        raise OptionError(
            "needs the texts prompt, alt, what a screen reader calls the pictures, and seen_label, what is pressed."
        )
    if "{label}" not in options["says"]:
        raise OptionError("needs the text says, with {label} in the place of the network's answer.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    return {"response": key.get("shown") if answer.get("seen") else None}


def chance(options: Options) -> float | None:
    """None: nothing is asked."""
    return None


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """What the network says of the item, which is shown."""
    label = str(item.truth.get("predicted") or item.truth.get("class") or "") if item else ""
    if not label:
        raise OptionError("example needs a picture of which the network says a class; this one has none.")
    return Composition((Slot("network_says", text=label),), {"shown": label})


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Looks at it."""
    return {"seen": "seen"}
