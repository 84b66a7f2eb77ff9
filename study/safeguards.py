"""What a design must not let slip: warnings about a valid document, in sentences. Nothing here is refused.

``docs/study_file.md`` says of each danger whether it is refused, warned of here, or cannot happen.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from . import picture_safeguards
from .document import completed, has_truth, item_names
from .document_conditions import pictured, source_of
from .texts import Path, Problem, is_text

Table = Mapping[str, Any]
FEW_ITEMS = 10
EVEN = (0.4, 0.6)  # shares of labels that are right among which yes and no are about as likely


def warnings(document: Table) -> list[Problem]:
    """What a reader will ask about a study of this valid document, each with what would answer it."""
    whole = completed(document)
    return [warning for check in CHECKS for warning in check(whole)]


def item_warnings(document: Table, items: Sequence[Table]) -> list[Problem]:
    """What only the items themselves tell, once they are known: each {"class": ..., "network_is_right": ...}."""
    found = []
    targets = [item["class"] for item in items if "class" in item]
    asked = [task for task in document["tasks"] if has_truth(task, document["languages"][0])]
    if document["items"]["images"] and asked and len(set(targets)) == len(targets) > 1:
        words = "have each class once: whoever keeps track can rule classes out; add more images of each."
        found.append(Problem(("items", "images"), words))
    known = [item["network_is_right"] for item in items if "network_is_right" in item]
    right = sum(known) / len(known) if known else None
    for number, task in enumerate(document["tasks"]):
        path: Path = ("tasks", number)
        if right is not None and task["trial_type"] == "agree_with_label" and not EVEN[0] <= right <= EVEN[1]:
            words = f"the network is right about {right:.0%} of the items: about half makes yes and no equally likely."
            found.append(Problem(path, words))
        if right is not None and task["trial_type"] == "simulate_forward" and right > 1 / 2:
            words = (
                f"the network is right about {right:.0%} of the items: whoever names the object need not simulate it."
            )
            found.append(Problem(path, words))
    return found


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


def _elimination(document: Table) -> list[Problem]:
    items = document["items"]
    asks = any(has_truth(task, document["languages"][0]) for task in document["tasks"])
    if not items["classes"] or items["per_class"] > 1 or not asks:
        return []
    words = "= 1: every class is the answer exactly once, so that whoever keeps track can rule classes out."
    return [Problem(("items", "per_class"), words)]


def _few(document: Table) -> list[Problem]:
    count = len(item_names(document["items"]))
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


def _wording(document: Table) -> list[Problem]:
    """Whether a text that participants read before the debriefing names what the pictures were made by."""
    names = {c[source_of(c)].replace("_", " ") for c in pictured(document) if source_of(c) != "photo"}
    labels = {text for c in pictured(document) if source_of(c) != "photo" for text in (c["label"] or {}).values()}
    telling = re.compile(rf"(?i)\b({'|'.join(map(re.escape, sorted(names | labels)))})\b") if names else None
    read: list[tuple[Path, Any]] = [((key,), document[key]) for key in ("title", "consent", "instructions")]
    for section in ("screening", "tasks", "questionnaire"):
        read += [((section, number, "options"), task["options"]) for number, task in enumerate(document[section])]
    read += [
        (("quiz", "questions", n, "options"), one["options"]) for n, one in enumerate(document["quiz"]["questions"])
    ]
    read += [
        (("training", "tasks", n, "options"), one["options"]) for n, one in enumerate(document["training"]["tasks"])
    ]
    return [
        Problem(
            path,
            f"says “{found[0]}”, which tells participants what they are shown; words that fit every picture do not.",
        )
        for path, value in read
        if telling and (found := next(filter(None, map(telling.search, _texts(value))), None))
    ]


def _texts(value: Any) -> list[str]:
    """Every text in a value, however deep."""
    if is_text(value):
        return list(value.values())
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return list(chain.from_iterable(map(_texts, inner)))


def _repeated(document: Table) -> list[Problem]:
    if not document["design"].get("repeat_items"):
        return []
    words = "= true: whoever recognises an item again may answer from memory; compare the first presentations too."
    return [Problem(("design", "repeat_items"), words)]


CHECKS = (_roles, _catch, *picture_safeguards.CHECKS, _elimination, _few, _picked, _wording, _repeated)
