"""How much sense does this picture make? A rating on a scale with labelled ends.

Likert scale or visual analogue scale, as in Schuff et al. 2022 (FAccT). A rating has no truth: it is plausibility.
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
    check_scale,
    named,
    pictures,
    scale_control,
)

VERSION = 1
KEYBOARD = "Tab reaches the scale, the arrow keys move along it, Enter on the button sends it."
COLUMNS: dict[str, Column] = {
    "rating": ("number", "points", "the rating, from scale_low to scale_high"),
    "scale_low": ("number", "points", "the scale's lowest value"),
    "scale_high": ("number", "points", "the scale's highest value"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    scale: str = "likert",
    points: int = 7,
    low_label: str = "",
    high_label: str = "",
    name_class: bool = False,
    names: Mapping[str, str] | None = None,
    panels: Sequence[str] = ("explanation",),
) -> Screen:
    """The pictures over a ``likert`` scale of ``points``, or an ``analogue`` one from 0 to 100; its class if named."""
    shown = pictures(stimulus, panels, alt)
    if name_class:
        shown += tuple(Panel("text", named(slot.text, names)) for slot in stimulus.having("class"))
    if scale == "analogue":
        control = Control(
            "slider", "rating", prompt, low=0, high=100, step=1, low_label=low_label, high_label=high_label
        )
    else:
        control = scale_control("rating", prompt, points, low_label, high_label)
    return Screen(prompt, shown, (control,))


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the picture.")
    if options["scale"] not in ("likert", "analogue"):
        raise OptionError(f"scale = “{options['scale']}” should be “likert” or “analogue”.")
    check_scale(2 if options["scale"] == "analogue" else options["points"], options["low_label"], options["high_label"])


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    rating = answer.get("rating")
    low, high = (0, 100) if options["scale"] == "analogue" else (1, int(options["points"]))
    return {"rating": None if rating in (None, "") else float(rating), "scale_low": low, "scale_high": high}


def chance(options: Options) -> float | None:
    """None: no rating is the correct one."""
    return None


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The item's class as a text where the question names it; no key."""
    if not options["name_class"]:
        return Composition()
    if item is None or not item.truth.get("class"):
        raise OptionError("name_class needs an item with a class; this one has none.")
    return Composition((Slot("class", text=str(item.truth["class"])),))


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Rates anywhere on the scale, the higher the more skill it has, as if sense were what it saw."""
    control = screen.controls[0]
    place = rng.betavariate(1 + 3 * skill, 1)
    if control.kind == "slider":
        return {"rating": round((control.low or 0) + place * ((control.high or 0) - (control.low or 0)))}
    values = [value for value, _ in control.values]
    return {"rating": values[min(int(place * len(values)), len(values) - 1)]}
