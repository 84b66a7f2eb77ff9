"""Warnings about how pictures are shown: what could be judged, or read, in place of what they mean."""

import re
from collections.abc import Mapping
from typing import Any

from .document import has_truth, options_of
from .document_conditions import pictured, presented, source_of
from .texts import Problem

Table = Mapping[str, Any]
ROOM_FOR_A_PICTURE = 360  # CSS pixels: 20 rem and the page's margins, as survey.css has them


def _scales(document: Table) -> list[Problem]:
    return [
        Problem(
            ("conditions", number, "rendering", "scale"),
            f"= “{condition['rendering']['scale']}” shows how strong a map is, which can give the condition away; "
            "“rank” normalises each map alone.",
        )
        for number, condition in enumerate(document["conditions"])
        if source_of(condition) == "method" and condition["rendering"]["scale"] != "rank"
    ]


def _renderings(document: Table) -> list[Problem]:
    found = []
    for source in ("method", "visualization"):
        shown = {c["name"]: str(c["rendering"]) for c in document["conditions"] if source_of(c) == source}
        of_rendering = {rendering: name for name, rendering in shown.items()}
        if len(of_rendering) > 1 and not any(_explains(levels, shown) for levels in _factors(document)):
            words = (
                f"{' and '.join(of_rendering.values())} are rendered differently: a difference may be the rendering's; "
                "render them alike, or declare a factor (design “factorial” or “mixed”)."
            )
            found.append(Problem(("conditions",), words))
    if len({condition["rendering"]["enlarge"] for condition in pictured(document)}) > 1:
        found.append(Problem(("conditions",), "have different rendering.enlarge: pictures differ in size."))
    return found


def _factors(document: Table) -> list[dict[str, str]]:
    """Condition -> level, for each factor that the design declares."""
    design = document["design"]
    crossed = [c["name"] for c in presented(document) if c["name"] not in design.get("outside", ())]
    if design["name"] == "factorial":
        return [
            {name: name.split(".")[place] for name in crossed if name.count(".") == len(design["factors"]) - 1}
            for place in range(len(design["factors"]))
        ]
    if design["name"] == "mixed":
        groups = [one.split(",") if isinstance(one, str) else one for one in design["groups"]]
        return [{name.strip(): str(number) for number, group in enumerate(groups) for name in group}]
    return []


def _explains(levels: Table, shown: Mapping[str, str]) -> bool:
    """Whether conditions of the same level are all rendered alike."""
    pairs = {(levels.get(name, ""), rendering) for name, rendering in shown.items()}
    return len(pairs) == len({level for level, _ in pairs})


def _readable(document: Table) -> list[Problem]:
    """Whether the class can be read from the photo where the question is what the map says."""
    overlays = [c["name"] for c in pictured(document) if c["rendering"]["display"] == "overlay"]
    reading = {}
    for task in document["tasks"]:
        options = options_of(task, document["languages"][0])
        panels = options.get("panels", ())
        names_maps = options.get("show_names", "explanation" in panels)
        if names_maps and has_truth(task, document["languages"][0]) and (overlays or "photo" in panels):
            reading[task["name"]] = "photo" in panels
    if not reading:
        return []
    beside = [name for name, is_beside in reading.items() if is_beside]
    where = f"the overlay of {', '.join(overlays)}" if overlays else f"the photo beside the map in {', '.join(beside)}"
    has_photo_alone = any(condition["photo"] for condition in document["conditions"])
    more = (
        "the condition with photo = true tells how much." if has_photo_alone else "add a condition with photo = true."
    )
    return [Problem(("tasks",), f"participants can read the class from {where}, without any map; {more}")]


def _window(document: Table) -> list[Problem]:
    if document["minimum_viewport"] >= ROOM_FOR_A_PICTURE:
        return []
    words = (
        f"= {document['minimum_viewport']}: in a narrower window than {ROOM_FOR_A_PICTURE} pixels a picture is shown "
        "smaller than to others."
    )
    return [Problem(("minimum_viewport",), words)]


def _colour_vision(document: Table) -> list[Problem]:
    coloured = [c["name"] for c in pictured(document) if c["rendering"]["display"] not in ("photo", "map")]
    coloured += [c["name"] for c in pictured(document) if c["rendering"].get("colours", "grey") != "grey"]
    asked = [task["name"] for task in (*document["questionnaire"], *document["screening"])]
    if not coloured or any(re.search("colou?r_vision", name) for name in asked):
        return []
    words = f"has no question called colour_vision, though {coloured[0]} has colours that not everybody tells apart."
    return [Problem(("questionnaire",), words)]


def _shared_maps(document: Table) -> list[Problem]:
    """Whether the control other_image shows somebody a map that the same person judges as another item's own."""
    design = document["design"]
    if design["name"] == "between" or design.get("one_condition"):
        return []
    made = [(c["method"], str(c["parameters"])) for c in pictured(document) if c["method"] and not c["control"]]
    return [
        Problem(
            ("conditions", number, "control"),
            "= “other_image” shows maps that the same participant may see again as another item's own; the design "
            "“between” keeps them apart.",
        )
        for number, c in enumerate(document["conditions"])
        if c["control"] == "other_image" and (c["method"], str(c["parameters"])) in made
    ]


CHECKS = (_scales, _renderings, _readable, _shared_maps, _window, _colour_vision)
