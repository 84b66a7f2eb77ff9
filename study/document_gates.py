"""What comes before, between and beside the main trials: screening, quiz, practice, training, repeats."""

import random
from collections.abc import Mapping
from typing import Any

from attribution import plugins
from study import trial_types

from .texts import Path, Problem, localised

Table = Mapping[str, Any]


def gate_problems(document: Table) -> list[Problem]:
    """What is wrong with the questions and trials that decide who goes on."""
    quiz, practice = document["quiz"], document["practice"]
    found = _without_key(document, ("screening",), document["screening"])
    found += _without_key(document, ("quiz", "questions"), quiz["questions"])
    if quiz["pass"] > len(quiz["questions"]):
        words = f"= {quiz['pass']} should be at most {len(quiz['questions'])}, the number of quiz.questions."
        found.append(Problem(("quiz", "pass"), words))
    if practice["at_least"] and not practice["count"]:
        words = f"= {practice['at_least']:g} needs practice trials: practice.count is 0."
        found.append(Problem(("practice", "at_least"), words))
    return found


def _without_key(document: Table, path: Path, tasks: list[Table]) -> list[Problem]:
    """Questions that nobody could answer rightly."""
    found = []
    for number, task in enumerate(tasks):
        options = localised(task["options"], document["languages"][0])
        options = plugins.complete("study.trials", task["trial_type"], options)
        plugin = trial_types.load(task["trial_type"])
        if not plugin.compose(None, (), options, random.Random(0)).key:
            words = "needs expected: which answers are right, or let somebody take part."
            found.append(Problem((*path, number, "options"), words))
    return found


def training_problems(document: Table) -> list[Problem]:
    """What is wrong with the examples to learn from."""
    training, found = document["training"], []
    if not training["count"] and not training["tasks"]:
        return []
    if not training["count"]:
        found.append(Problem(("training", "count"), "= 0 shows none of the training.tasks; it should be at least 1."))
    if not training["tasks"]:
        words = 'is empty; say what is shown of each example, such as trial_type = "example".'
        found.append(Problem(("training", "tasks"), words))
    if document["items"]["units"] or not document["items"]["images"]:
        found.append(Problem(("training",), "shows photos with their maps, so it needs items.images."))
    for number, task in enumerate(document["tasks"]):
        if training["count"] and task["options"].get("k", training["count"]) != training["count"]:
            words = f"= {task['options']['k']} should be training.count, {training['count']}, or left out."
            found.append(Problem(("tasks", number, "options", "k"), words))
    if any(condition["compare"] for condition in document["conditions"]):
        found.append(
            Problem(("training",), "shows one condition's pictures, but the conditions of this study compare.")
        )
    return found
