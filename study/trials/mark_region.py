"""Mark what made the network say so: a point, a box, a polygon, or with a brush.

Human attention maps by annotation, after Linsley et al. 2019 (ClickMe, arXiv 1805.08819). Marks are plausibility: how
far they agree with maps and boxes is for the analysis (IoU, pointing, AUC, NSS, correlation). Stored once, as fractions
of the picture.
"""

import json
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
    area,
    check_controls,
    named,
    pictures,
)

VERSION = 1
TOOLS = ("point", "box", "polygon", "brush")
PLACES = 5  # decimals of a stored coordinate: a hundredth of a pixel in the largest picture
KEYBOARD = (
    "Tab reaches the picture, the arrow keys move a cross-hair, the space bar marks, Enter on the button sends it."
)
COLUMNS: dict[str, Column] = {
    "response": (
        "string",
        "",
        "the marked points (x, y) as JSON, from the picture's top left corner: fractions of its size",
    ),
    "tool": ("string", "", "point; box, two opposite corners; polygon, its corners; brush, the middles of its dabs"),
    "brush": ("number", "picture widths", "how wide the brush is; empty for the other tools"),
    "points": ("integer", "", "how many points were marked"),
    "area": ("number", "picture areas", "what a box or polygon encloses; empty for the other tools"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    tool: str = "box",
    several: bool = False,
    brush: float = 0.1,
    name_class: bool = False,
    names: Mapping[str, str] | None = None,
    panels: Sequence[str] = ("explanation",),
) -> Screen:
    """The first of the pictures to mark on, others beside it; ``several`` points where ``tool`` is point."""
    shown = pictures(stimulus, panels, alt)
    shown += tuple(Panel("text", named(slot.text, names)) for slot in stimulus.having("class"))
    width = brush if tool == "brush" else None
    marks: Any = tool
    control = Control("region", "region", prompt, panel=0, tool=marks, brush=width, several=several or tool == "brush")
    return Screen(prompt, shown, (control,))


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the picture.")
    if options["tool"] not in TOOLS:
        raise OptionError(f"tool = “{options['tool']}” should be one of: {', '.join(TOOLS)}.")
    if options["several"] and options["tool"] != "point":
        raise OptionError("several belongs to tool = “point”; a box or polygon is one, a brush always has many points.")
    if not 0 < options["brush"] <= 1:
        raise OptionError(
            f"brush = {options['brush']:g} should be above 0 and at most 1, a fraction of the picture's width."
        )
    if not options["panels"]:
        raise OptionError("panels should name the picture to mark on.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    given = answer.get("region")
    if not given:
        return dict.fromkeys(COLUMNS)
    marked = [[round(x, PLACES), round(y, PLACES)] for x, y in given]
    return {
        "response": json.dumps(marked, separators=(",", ":")),
        "tool": options["tool"],
        "brush": float(options["brush"]) if options["tool"] == "brush" else None,
        "points": len(marked),
        "area": _enclosed(given, options["tool"]),
    }


def _enclosed(points: Sequence[Sequence[float]], tool: str) -> float | None:
    if tool == "box":
        (left, top), (right, bottom) = points
        return abs((right - left) * (bottom - top))
    return area(points) if tool == "polygon" else None


def chance(options: Options) -> float | None:
    """None: no mark is the correct one."""
    return None


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The item's class as a text where the question names it; no key."""
    if not options["name_class"]:
        return Composition()
    if item is None or not item.truth.get("class"):
        raise OptionError("name_class needs an item with a class; this one has none.")
    return Composition((Slot("class", text=str(item.truth["class"])),))


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Marks around the middle of the picture with probability ``skill``, otherwise anywhere."""
    control = screen.controls[0]
    x, y = (0.5, 0.5) if rng.random() < skill else (rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8))
    size = rng.uniform(0.05, 0.2)
    corners = [[x - size, y - size], [x + size, y - size], [x + size, y + size], [x - size, y + size]]
    marks = {"point": [[x, y]], "box": corners[::2], "polygon": corners, "brush": [*corners, [x, y]]}
    return {"region": marks[control.tool]}
