"""The design of a study document: its parameters, and the arms that it makes of items and conditions."""

from collections.abc import Mapping, Sequence
from typing import Any

from attribution import plugins
from study import designs

from .document_conditions import plugin_problems, presented
from .texts import Problem

FOLDER = "study.designs"
Table = Mapping[str, Any]


def parameters_of(document: Table) -> dict[str, Any]:
    """What the document says to its design: all keys but those that every design has."""
    return {name: value for name, value in document["design"].items() if name not in ("name", "quota")}


def design_problems(document: Table) -> list[Problem]:
    """What is wrong with naming this design with these parameters."""
    return plugin_problems(("design",), FOLDER, document["design"]["name"], parameters_of(document))


def schedule(document: Table, items: Sequence[str], strata: designs.Strata | None = None) -> list[designs.Arm]:
    """The arms that the document's design makes of these items; raises DesignError in words."""
    name = document["design"]["name"]
    parameters = plugins.complete(FOLDER, name, parameters_of(document))
    conditions = [condition["name"] for condition in presented(document)]
    plugin = plugins.load(FOLDER, name)
    arms: list[designs.Arm] = plugin.schedule(items, conditions, strata, seed=document["seed"], **parameters)
    if not parameters.get("repeat_items") and (words := designs.shown_twice(arms)):
        raise designs.DesignError(
            f"Nobody should see an item under two conditions unless repeat_items = true asks for it, but {words}."
        )
    return arms
