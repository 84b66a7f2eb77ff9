"""What a study document decides beforehand: hypotheses, size, looks, alternatives; and whether that holds together."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from .document_conditions import plugin_problems, presented
from .document_keys import KEYS, completed_table
from .texts import Path, Problem

Table = Mapping[str, Any]
HERE = "preregistration"


def declared(document: Table) -> dict[str, Any]:
    """The preregistration of a document, every default filled in; of one that has none, too."""
    keys = KEYS[HERE].keys or {}
    return completed_table(document.get(HERE) or {}, keys)


def is_declared(document: Table) -> bool:
    return bool(document.get(HERE))


def preregistration_problems(document: Table) -> list[Problem]:
    """What is wrong with it in itself and beside the rest of the document."""
    plan = document[HERE]
    if not plan:
        return []
    return [*_looks(plan["looks"]), *_effect(plan), *_forecasts(document), *_multiverse(document), *_family(document)]


def _looks(looks: Sequence[float]) -> list[Problem]:
    if not looks:
        return []
    if any(after <= before for before, after in pairwise([0.0, *looks])) or looks[-1] != 1:
        words = "should be shares of the planned information that increase and end with 1, such as [0.5, 1.0]."
        return [Problem((HERE, "looks"), words)]
    return []


def _effect(plan: Table) -> list[Problem]:
    if plan["smallest_effect"] and not plan["smallest_effect_reason"].strip():
        words = "is missing: the smallest effect of interest needs its reason in words."
        return [Problem((HERE, "smallest_effect_reason"), words)]
    return []


def _forecasts(document: Table) -> list[Problem]:
    names = [one["name"] for one in presented(document)]
    found = []
    for number, one in enumerate(document[HERE]["forecasts"]):
        if one["condition"] not in names:
            words = f"= “{one['condition']}” should be one of: {', '.join(names)}."
            found.append(Problem((HERE, "forecasts", number, "condition"), words))
    return found


def _multiverse(document: Table) -> list[Problem]:
    found = []
    tasks = [task["name"] for task in document["tasks"]]
    seen: set[str] = set()
    for number, one in enumerate(document[HERE]["multiverse"]):
        path: Path = (HERE, "multiverse", number)
        if one["name"] in seen:
            found.append(Problem((*path, "name"), f"= “{one['name']}” is there twice; each needs its own."))
        seen.add(one["name"])
        if one["task"] and one["task"] not in tasks:
            found.append(Problem((*path, "task"), f"= “{one['task']}” should be one of: {', '.join(tasks)}."))
        for place, rule in enumerate(one["exclusions"]):
            found += plugin_problems(
                (*path, "exclusions", place), "study.exclusions", rule["rule"], rule["parameters"]
            )  # fmt: skip
    return found


def _family(document: Table) -> list[Problem]:
    analysis = document["analysis"]
    names = {analysis["primary"], *(one["name"] for one in analysis["analyses"])}
    unknown = [name for name in document[HERE]["family"] if name not in names]
    if not unknown:
        return []
    return [
        Problem((HERE, "family"), f"names “{unknown[0]}”, which is no declared analysis: {', '.join(sorted(names))}.")
    ]
