"""The conditions of a study document: where each has its pictures from, and which are shown to whom."""

from collections.abc import Mapping
from typing import Any

from attribution import plugins, rendering

from .texts import Path, Problem

DISPLAYS = {"visualization": ("visualization",), "method": ("map", "overlay"), "photo": ("photo",)}
SOURCES = (*DISPLAYS, "compare")
Table = Mapping[str, Any]


def source_of(condition: Table) -> str:
    """Where a condition's pictures come from: "visualization", "method", "photo", or "compare", which shows those of
    others beside each other; "" if not from exactly one."""
    named = [source for source in SOURCES if condition[source]]
    return named[0] if len(named) == 1 else ""


def pictured(document: Table) -> list[Table]:
    """The conditions that have pictures of their own: all but those that compare others."""
    return [condition for condition in document["conditions"] if not condition["compare"]]


def presented(document: Table) -> list[Table]:
    """The conditions that are scheduled: where any compare, those; otherwise all."""
    return [condition for condition in document["conditions"] if condition["compare"]] or list(document["conditions"])


def plugin_problems(path: Path, folder: str, name: str, parameters: Table) -> list[Problem]:
    """What is wrong with naming this plug-in with these parameters, told of ``path``."""
    try:
        plugins.complete(folder, name, parameters)
    except plugins.PluginError as error:
        inside = ("parameters",) if isinstance(path[-1], int) else ()
        return [Problem((*path, *inside, error.parameter) if error.parameter else path, str(error))]
    return []


def condition_problems(document: Table) -> list[Problem]:
    """What is wrong with the conditions, each alone and all together."""
    found = []
    for number, condition in enumerate(document["conditions"]):
        path: Path = ("conditions", number)
        source = source_of(condition)
        if not source:
            found.append(
                Problem(path, "should name exactly one of visualization, method and photo = true, or compare.")
            )
            continue
        found += _source_problems(path, condition, source, document["items"])
        if source != "compare":
            found += _rendering_problems((*path, "rendering"), condition["rendering"], source)
    return found or _comparisons(document)


def _comparisons(document: Table) -> list[Problem]:
    """Whether all that are compared have pictures, and all that have pictures are compared, where any are."""
    conditions, found = document["conditions"], []
    alone = [condition["name"] for condition in pictured(document)]
    compared = {name for condition in conditions for name in condition["compare"]}
    for number, condition in enumerate(conditions):
        path: Path = ("conditions", number, "compare")
        if unknown := [name for name in condition["compare"] if name not in alone]:
            words = f"names “{unknown[0]}”, which has no pictures; those that have: {', '.join(alone) or 'none'}."
            found.append(Problem(path, words))
        elif len(condition["compare"]) == 1:
            found.append(Problem(path, "names one condition; it takes two or more."))
        elif compared and not condition["compare"] and condition["name"] not in compared:
            found.append(Problem(path[:2], "is compared by none; where any compare, only those are shown."))
    return found


def _source_problems(path: Path, condition: Table, source: str, items: Table) -> list[Problem]:
    control, name = condition["control"], condition[source]
    if source == "photo":
        words = "belongs to a visualization or a method, not to a photo."
        return [Problem((*path, key), words) for key in ("control", "parameters") if condition[key]]
    if source == "compare":
        words = "belongs to the conditions that are compared, not to the one that compares."
        given = {**condition, "rendering": {key: value for key, value in condition["rendering"].items() if value}}
        found = [Problem((*path, key), words) for key in ("control", "parameters", "rendering") if given[key]]
        if items["units"]:
            found.append(Problem((*path, "compare"), "belongs to classes and photos; units are shown one at a time."))
        return found
    folder = "attribution.visualizations" if source == "visualization" else "attribution.methods"
    # A name that is not in the folder is the name's fault, one that is but refuses its parameters the parameters'.
    key = "parameters" if name in plugins.names(folder) else source
    found = plugin_problems((*path, key), folder, name, condition["parameters"])
    if source == "visualization" and control in ("other_class", "other_image"):
        found.append(Problem((*path, "control"), f"= “{control}” belongs to a method: a visualization has no photo."))
    if source == "visualization" and not (items["classes"] or items["units"]):
        found.append(Problem((*path, source), "needs items.classes or items.units: it shows those, not a photo."))
    if source == "method" and (items["units"] or not items["images"]):
        found.append(Problem((*path, source), "needs items.images: a saliency map is of a photo."))
    return found


def _rendering_problems(path: Path, given: Table, source: str) -> list[Problem]:
    parameters = {name: value for name, value in given.items() if name != "display"}
    display = given["display"] or DISPLAYS[source][0]
    if display not in DISPLAYS[source]:
        offered = ", ".join(f"“{one}”" for one in DISPLAYS[source])
        return [Problem((*path, "display"), f"= “{display}” should be one of {offered}, since this is a {source}.")]
    try:
        rendering.complete(display, parameters)
    except ValueError as error:
        return [Problem(path, str(error))]
    return []
