"""Mark what made the network say so: points, boxes, polygons, or with a brush.

Human attention maps by annotation, after Linsley et al. 2019 (ClickMe, arXiv 1805.08819). Marks are plausibility: how
far they agree with maps is for the analysis; how far with the boxes that are known of the object is noted with each.
"""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from study.statistics.regions import GRID, KINDS, area, union

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
    marked_regions,
    named,
    pictures,
)

VERSION = 1
PLACES = 5  # decimals of a stored coordinate: a hundredth of a pixel in the largest picture
KEYBOARD = (
    "Tab reaches the picture, the arrow keys move a cross-hair, Enter or the space bar sets a point or corner, "
    "+ and - zoom, Backspace takes the last mark back, Enter on the button sends it."
)
COLUMNS: dict[str, Column] = {
    "response": (
        "string",
        "",
        "the marked regions as JSON: of each its points (x, y), fractions of the picture from its top left corner",
    ),
    "tool": ("string", "", "point; box, two opposite corners; polygon, its corners; brush, the way of each stroke"),
    "brush": ("number", "picture widths", "how wide the brush is; empty for the other tools"),
    "regions": ("integer", "", "how many regions (of a brush: strokes) were marked"),
    "points": ("integer", "", "of how many points they consist"),
    "area": ("number", "picture areas", "what the regions cover together; empty for points"),
    "panels": ("string", "", "the pictures on the screen: the marked one, then those beside it"),
    "share_on_object": ("number", "", "how much of what was marked lies in the boxes known of the class, from 0 to 1"),
    "overlap_with_object": ("number", "", "what was marked and those boxes: intersection over union; empty for points"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    tool: str = "box",
    least: int = 1,
    most: int = 1,
    least_area: float = 0.0,
    most_area: float = 1.0,
    brush: float = 0.1,
    name_class: bool = False,
    names: Mapping[str, str] | None = None,
    panels: Sequence[str] = ("explanation",),
) -> Screen:
    """The first of the pictures to mark on, others beside it, and with ``name_class`` the item's class, as in ClickMe;
    ``most`` = 0 is any number of regions."""
    shown = pictures(stimulus, panels, alt)
    shown += tuple(Panel("text", named(slot.text, names)) for slot in stimulus.having("class"))
    marks: Any = tool
    control = Control(
        "region",
        "region",
        prompt,
        panel=0,
        tool=marks,
        low=least,
        high=most if most and tool != "brush" else None,
        brush=brush if tool == "brush" else None,
        least_area=least_area or None,
        most_area=most_area if most_area < 1 else None,
    )
    return Screen(prompt, shown, (control,))


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the picture.")
    tool, least, most = options["tool"], options["least"], options["most"]
    if tool not in KINDS:
        raise OptionError(f"tool = “{tool}” should be one of: {', '.join(KINDS)}.")
    if tool == "brush" and (least, most) != (1, 1):
        raise OptionError("least and most belong to the other tools; all strokes of a brush are one region.")
    if not 1 <= least <= (most or least) or max(least, most) > 100:
        raise OptionError(
            f"least = {least}, most = {most}: least should be at least 1, most 0 (any number) or from least to 100."
        )
    if not 0 < options["brush"] <= 1:
        raise OptionError(
            f"brush = {options['brush']:g} should be above 0 and at most 1, a fraction of the picture's width."
        )
    _check_areas(tool, options["least_area"], options["most_area"], options["brush"])
    if not options["panels"]:
        raise OptionError("panels should name the picture to mark on.")


def _check_areas(tool: str, least: float, most: float, brush: float) -> None:
    if tool == "point" and (least > 0 or most < 1):
        raise OptionError("least_area and most_area belong to the other tools; a point covers nothing.")
    if not 0 <= least < most <= 1:
        raise OptionError(
            f"least_area = {least:g}, most_area = {most:g}: both should be fractions of the picture from 0 to 1, "
            "the first below the second."
        )
    if tool == "brush" and brush > most:
        raise OptionError(f"most_area = {most:g} leaves no room for a brush of {brush:g} picture widths.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Columns of an answer; ``key`` may hold ``boxes``, what is known of where the object is."""
    given = answer.get("region")
    if not given:
        return dict.fromkeys(COLUMNS)
    tool, width = options["tool"], float(options["brush"])
    rounded = [[[round(x, PLACES), round(y, PLACES)] for x, y in points] for points in given]
    share, overlap = _on_object(tool, given, width, key.get("boxes", ()))
    return {
        "response": json.dumps(rounded, separators=(",", ":")),
        "tool": tool,
        "brush": width if tool == "brush" else None,
        "regions": len(given),
        "points": sum(map(len, given)),
        "area": None if tool == "point" else round(area(tool, given, width), PLACES),
        "panels": " | ".join(options["panels"]),
        "share_on_object": share,
        "overlap_with_object": overlap,
    }


def _on_object(
    tool: str, regions: Sequence[Any], width: float, boxes: Sequence[Sequence[float]]
) -> tuple[float | None, float | None]:
    if not boxes:
        return None, None
    if tool == "point":
        hits = [
            any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in boxes)
            for ((x, y),) in regions
        ]
        return sum(hits) / len(hits), None
    marked = union(tool, regions, (GRID, GRID), width)
    known = union("box", [(box[:2], box[2:]) for box in boxes], (GRID, GRID), 0)
    both = int((marked & known).sum())
    share = both / int(marked.sum()) if marked.any() else None  # thinner than the grid
    return share, both / int((marked | known).sum()) if (marked | known).any() else None


def chance(options: Options) -> float | None:
    """None: no mark is the correct one."""
    return None


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The item's class as a text where the question names it; the boxes known of it are the key."""
    key = {"boxes": [list(box) for box in item.boxes]} if item and item.boxes else {}
    if not options["name_class"]:
        return Composition(key=key)
    if item is None or not item.truth.get("class"):
        raise OptionError("name_class needs an item with a class; this one has none.")
    return Composition((Slot("class", text=str(item.truth["class"])),), key)


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Marks the object (without boxes the middle of the picture) with probability ``skill``, otherwise anything."""
    around = (0.0, 0.0, 1.0, 1.0)
    if rng.random() < skill:
        around = rng.choice((key or {}).get("boxes") or [(0.3, 0.3, 0.7, 0.7)])
    else:
        x, y, size = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.3)
        around = (max(x - size, 0.0), max(y - size, 0.0), min(x + size, 1.0), min(y + size, 1.0))
    return {"region": marked_regions(screen.controls[0], rng, around)}
