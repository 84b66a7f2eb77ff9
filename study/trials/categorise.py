"""What does the highlighted part belong to: the main object, a separate object, or the background?

With a reason in words, after Singla & Feizi 2022 (Salient ImageNet, arXiv 2110.04301). There is no key:
categories are settled by the majority, and agreement is reported.
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
CATEGORIES = ("main object", "separate object", "background")
KEYBOARD = "Tab reaches the categories and the fields, the arrow keys choose, Enter on the button sends the answers."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "main object, separate object or background"),
    "reason": ("string", "", "why, in the participant's words"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    main_label: str = "",
    separate_label: str = "",
    background_label: str = "",
    reason_prompt: str = "",
    reason_is_required: bool = True,
    name_class: bool = False,
    names: Mapping[str, str] | None = None,
    panels: Sequence[str] = ("explanation",),
) -> Screen:
    """The pictures, and the class if named, over three categories; a text for ``reason_prompt`` asks why."""
    told = tuple(Panel("text", named(slot.text, names)) for slot in stimulus.having("class"))
    values = tuple(zip(CATEGORIES, (main_label, separate_label, background_label), strict=True))
    controls = [Control("choice", "category", prompt, values)]
    if reason_prompt:
        controls.append(Control("text", "reason", reason_prompt, required=reason_is_required))
    return Screen(prompt, pictures(stimulus, panels, alt) + told, tuple(controls))


def check_options(options: Options) -> None:
    labels = ["main_label", "separate_label", "background_label"]
    if missing := [name for name in ("prompt", "alt", *labels) if not options[name]]:
        raise OptionError(f"needs a text for {', '.join(missing)}.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    return {
        "response": answer.get("category"),
        "reason": answer.get("reason") or None,
    }


def chance(options: Options) -> float | None:
    """None: no category is the correct one."""
    return None


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The item's class as a text where the question names it; no key."""
    if not options["name_class"]:
        return Composition()
    if item is None or not item.truth.get("class"):
        raise OptionError("name_class needs an item with a class; this one has none.")
    return Composition((Slot("class", text=str(item.truth["class"])),))


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Says “main object” with probability ``skill``, otherwise any category: agreement to be found."""
    knows = rng.random() < skill
    answer: dict[str, Any] = {"category": CATEGORIES[0] if knows else rng.choice(CATEGORIES)}
    return answer | ({"reason": "A simulated reason."} if screen.control("reason") else {})
