"""What a design must not let slip: warnings about a valid document, in sentences. Nothing here is refused."""

from collections.abc import Callable, Mapping
from typing import Any

from .document import completed, has_truth, options_of
from .document_conditions import pictured, source_of
from .texts import Problem

Table = Mapping[str, Any]
FEW_ITEMS = 10


def warnings(document: Table) -> list[Problem]:
    """What a reader will ask about a study of this valid document, each with what would answer it."""
    whole = completed(document)
    return [warning for check in CHECKS for warning in check(whole)]


def _roles(document: Table) -> list[Problem]:
    roles = {condition["role"] for condition in document["conditions"]}
    found = []
    if "blind_control" not in roles:
        found.append(
            Problem(
                ("conditions",),
                "none has role = “blind_control” (the same on a randomised network, or for another class): without it "
                "better-than-chance answers may come from the pictures' style, not from what the network learned.",
            )
        )
    if "positive_control" not in roles:
        found.append(
            Problem(
                ("conditions",),
                "none has role = “positive_control” (such as photo = true): without it “no effect” cannot be told from "
                "a task that nobody could do.",
            )
        )
    if "treatment" not in roles:
        found.append(
            Problem(("conditions",), "none has role = “treatment”: there is nothing to compare controls with.")
        )
    return found


def _catch(document: Table) -> list[Problem]:
    if document["catch"]["count"]:
        return []
    words = (
        "= 0: without catch trials (obvious real images) inattentive participants cannot be told from hard pictures."
    )
    return [Problem(("catch", "count"), words)]


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
        shown = {str(c["rendering"]): c["name"] for c in document["conditions"] if source_of(c) == source}
        if len(shown) > 1:
            words = f"{' and '.join(shown.values())} are rendered differently: a difference may be the rendering's."
            found.append(Problem(("conditions",), words))
    if len({condition["rendering"]["enlarge"] for condition in pictured(document)}) > 1:
        found.append(Problem(("conditions",), "have different rendering.enlarge: pictures differ in size."))
    return found


def _readable(document: Table) -> list[Problem]:
    """Whether the class can be read from the photo where the question is what the map says."""
    language = document["languages"][0]
    asks = [task for task in document["tasks"] if has_truth(task, language)]
    overlays = [c["name"] for c in pictured(document) if c["rendering"]["display"] == "overlay"]
    beside = [task["name"] for task in asks if "photo" in options_of(task, language).get("panels", ())]
    if not asks or not (overlays or beside):
        return []
    has_photo_alone = any(condition["photo"] for condition in document["conditions"])
    where = f"the overlay of {', '.join(overlays)}" if overlays else f"the photo beside the map in {', '.join(beside)}"
    more = (
        "the condition with photo = true tells how much." if has_photo_alone else "add a condition with photo = true."
    )
    return [Problem(("tasks",), f"participants can read the class from {where}, without any map; {more}")]


def _elimination(document: Table) -> list[Problem]:
    items = document["items"]
    if not items["classes"] or items["per_class"] > 1 or not any(map(_asks(document), document["tasks"])):
        return []
    words = "= 1: every class is the answer exactly once, so that whoever keeps track can rule classes out."
    return [Problem(("items", "per_class"), words)]


def _asks(document: Table) -> Callable[[Table], bool]:
    return lambda task: has_truth(task, document["languages"][0])


def _few(document: Table) -> list[Problem]:
    count = len(document["items"]["classes"]) * document["items"]["per_class"]
    if not 0 < count < FEW_ITEMS:
        return []
    words = (
        f"make {count} items: conclusions about pictures in general rest on their number, however many people answer."
    )
    return [Problem(("items",), words)]


def _picked(document: Table) -> list[Problem]:
    items = document["items"]
    by_hand = [name for name in items["images"] if "*" not in name and "?" not in name]
    if not by_hand or items["reason"]:
        return []
    return [
        Problem(("items", "reason"), f"is empty, though images are picked by hand ({len(by_hand)}); say why these.")
    ]


CHECKS = (_roles, _catch, _scales, _renderings, _readable, _elimination, _few, _picked)
