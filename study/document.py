"""The study document: a dict as read from TOML, the truth about a study.

Every text in it is {language: text}. Among a trial type's options those are the ones whose default is "", the values
of a mapping whose default is None, and the second ones of a list of pairs. Knows nothing of Django: what needs the
database (is there such a network, such an image) is asked by ``study.preparation``.
"""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from attribution import plugins, rendering
from study import designs, trial_types, trials
from study.analysis_parameters import unfit

from .document_conditions import DISPLAYS, condition_problems, plugin_problems, presented, source_of
from .document_design import design_problems, schedule
from .document_gates import gate_problems, training_problems
from .document_keys import KEYS, completed_table, shape_problems
from .preregistration import preregistration_problems
from .recruitment_sources import filled_in, recruitment_problems
from .texts import Path, Problem, localised, text_problems

__all__ = ["Problem", "completed", "item_names", "localised", "options_of", "schedule", "validate"]

Table = Mapping[str, Any]
MANY_IMAGES = 100


# Where tasks stand: those that end in “tasks” are asked about a picture.
SECTIONS = (("tasks",), ("training", "tasks"), ("screening",), ("quiz", "questions"), ("questionnaire",))


def validate(document: Table) -> list[Problem]:
    """What is wrong with a document, one sentence each, naming the key and what would be right; [] if nothing is."""
    problems = shape_problems(document)
    # A section whose keys are wrong is not asked what it means; the others are.
    sound = set(KEYS) - {problem.path[0] for problem in problems if problem.path}
    whole = completed_table({k: v for k, v in document.items() if k in sound}, {k: KEYS[k] for k in sound})
    for needed, check in CHECKS:
        if needed <= sound:
            problems += check(whole)
    return problems


def completed(document: Table) -> dict[str, Any]:
    """The document as it is stored: plain JSON, every default filled in, HTML cleaned; it must have no problems."""
    whole: dict[str, Any] = json.loads(json.dumps(completed_table(document, KEYS)))
    whole["analysis"]["analyses"] = whole["analysis"]["analyses"] or [
        {"name": whole["analysis"]["primary"], "parameters": {}}
    ]
    whole["recruitment"] = [filled_in(one) for one in whole["recruitment"]]
    for condition in whole["conditions"]:
        if condition["compare"]:  # its pictures are rendered as the conditions say that it compares
            continue
        rendering_ = condition["rendering"]
        display = rendering_.pop("display") or DISPLAYS[source_of(condition)][0]
        condition["rendering"] = {"display": display, **rendering.complete(display, rendering_)}
    return whole


def item_names(items: Table) -> list[str]:
    """The names of items that are units, or classes: “goose”, or “goose 1”, “goose 2” where there are several of
    each; [] where items are photos."""
    if items["units"]:
        return list(items["units"])
    if items["per_class"] == 1:
        return list(items["classes"])
    return [f"{label} {number}" for label in items["classes"] for number in range(1, items["per_class"] + 1)]


def unit_of(name: str) -> tuple[str, int]:
    """Module and channel of a unit, “module:channel”."""
    module, _, channel = name.rpartition(":")
    return module, int(channel)


def _items(document: Table) -> list[Problem]:
    items = document["items"]
    if items["units"] and (items["classes"] or not items["images"]):
        words = "should have images beside units, and no classes: the photos among which are those that excite a unit."
        return [Problem(("items",), words)]
    if items["units"] and items["balanced"]:
        return [Problem(("items", "balanced"), "= true belongs to photos that are judged, not to units.")]
    if bool(items["classes"]) == bool(items["images"]):
        return [Problem(("items",), "should have either classes (of visualizations) or images (of saliency maps).")]
    if items["images"] and items["per_class"] != 1:
        return [Problem(("items", "per_class"), "belongs to classes; images are shown once each.")]
    if items["balanced"] and not items["images"]:
        return [Problem(("items", "balanced"), "= true belongs to images: the network is asked about photos.")]
    return []


def _schedule(document: Table) -> list[Problem]:
    """Whether the conditions, and the items as far as they are known, fit the design."""
    if design_problems(document):
        return []
    if names := item_names(document["items"]):
        return _misfits(document, names)
    # How many images there are only the database knows: no number of them would do is what can be said here.
    images = [f"image {number}" for number in range(2 * MANY_IMAGES)]
    found: list[Problem] = []
    for count in range(MANY_IMAGES, 2 * MANY_IMAGES):
        if not (misfits := _misfits(document, images[:count])):
            return []
        found = found or misfits
    return found


def _misfits(document: Table, items: Sequence[str]) -> list[Problem]:
    try:
        schedule(document, items)
    except designs.DesignError as error:
        return [Problem(("design",), str(error))]
    return []


def options_of(task: Table, language: str) -> dict[str, Any]:
    """A task's options, completed, in one language; raises PluginError in words."""
    return plugins.complete("study.trials", task["trial_type"], localised_options(task, language))


def localised_options(task: Table, language: str) -> dict[str, Any]:
    # One by one: a text where the table of all options should be must not pass for that table.
    return {name: localised(value, language) for name, value in task["options"].items()}


def _tasks(document: Table) -> list[Problem]:
    found, names = [], set()
    comparisons = [condition["compare"] for condition in presented(document)]
    items = [
        trials.Item(name, truth, compared=compared)
        for compared in comparisons
        for name, truth in _known(document["items"])
    ]
    for section in SECTIONS:
        listed = document[section[0]] if len(section) == 1 else document[section[0]][section[1]]
        for number, task in enumerate(listed):
            path: Path = (*section, number)
            if section != ("tasks",) and task["name"] in names:
                found.append(Problem((*path, "name"), f"= “{task['name']}” is a task's name too; each needs its own."))
            names.add(task["name"])
            shown = document["items"] if section[-1] == "tasks" else None
            own = _task_problems(path, task, document["languages"], items if shown else None, shown)
            found += own or (_compared(path, task, comparisons) if section == ("tasks",) else [])
    return found or _order(document) + _catch(document) + gate_problems(document) + training_problems(document)


def _compared(path: Path, task: Table, comparisons: Sequence[Sequence[str]]) -> list[Problem]:
    """Whether the conditions compare as many as the task takes, or none where it takes none."""
    least, most = trial_types.load(task["trial_type"]).compared
    if all(least <= len(compared) <= most for compared in comparisons):
        return []
    if not most:
        return [
            Problem((*path, "trial_type"), f"= “{task['trial_type']}” is about one picture, but conditions compare.")
        ]
    number = f"{least}" if least == most else f"{least} to {most}"
    words = f'= “{task["trial_type"]}” needs conditions that compare {number} others: compare = ["…", "…"].'
    return [Problem((*path, "trial_type"), words)]


def _known(items: Table) -> list[tuple[str, dict[str, str]]]:
    """The items whose names the document itself tells, and what is true of them."""
    if items["units"]:
        return [(name, {"right": "a photo", "other": "another"}) for name in items["units"]]
    labels = [label for label in items["classes"] for _ in range(items["per_class"])]
    return [(name, {"class": label}) for name, label in zip(item_names(items), labels, strict=True)]


def _task_problems(
    path: Path, task: Table, languages: Sequence[str], items: Sequence[trials.Item] | None, shown: Table | None
) -> list[Problem]:
    """Of one task; ``items`` is None where it is asked without a stimulus, [] where they are not known yet."""
    folder, name = "study.trials", task["trial_type"]
    if name not in plugins.names(folder):
        return plugin_problems((*path, "trial_type"), folder, name, {})
    declared = plugins.describe(folder, name).parameters
    options: Path = (*path, "options")
    found = [
        problem
        for option, value in task["options"].items()
        for problem in _option_texts((*options, option), declared.get(option, 0), value, languages)
    ]
    if found:
        return found
    if found := plugin_problems(options, folder, name, localised_options(task, languages[0])):
        return found
    plugin, given = trial_types.load(name), options_of(task, languages[0])
    try:
        plugin.check_options(given)
        if items is None:
            plugin.compose(None, (), given, random.Random(0))
        else:
            for item in items:
                plugin.compose(item, items, given, random.Random(0))
    except trials.OptionError as error:
        return [Problem(options, str(error))]
    has_photo = shown is not None and shown["images"] and not shown["units"]
    if given["told"] and not has_photo:
        return [Problem((*options, "told"), "is what the network says of a photo; it needs items.images, and a task.")]
    roles = ["explanation", "photo"] if has_photo else ["explanation"] if shown else []
    if unknown := sorted({str(role) for role in given.get("panels", ())} - set(roles)):
        words = f"has no “{unknown[0]}” to show; there are: {', '.join(roles) or 'no pictures here'}."
        return [Problem((*options, "panels"), words)]
    return []


def _option_texts(path: Path, default: Any, value: Any, languages: Sequence[str]) -> list[Problem]:
    if default == "":
        return text_problems(path, value, languages)
    if default is None and value is not None and not isinstance(value, Mapping):
        return [Problem(path, 'should be a table of texts, such as { goose = { en = "goose" } }.')]
    if default is None and value is not None:
        return [p for name, text in value.items() for p in text_problems((*path, name), text, languages)]
    if default == () and isinstance(value, list | tuple):
        pairs = [(n, one[1]) for n, one in enumerate(value) if isinstance(one, list | tuple) and len(one) == 2]
        return [problem for n, text in pairs for problem in text_problems((*path, n), text, languages)]
    return []


def _order(document: Table) -> list[Problem]:
    """A class that one question names is no longer to be asked for by the next."""
    found = []
    named = ""
    for number, task in enumerate(document["tasks"]):
        if named and has_truth(task, document["languages"][0]):
            words = f"asks what “{named}” before it has told (name_class, told); ask this one first."
            found.append(Problem(("tasks", number), words))
        if task["options"].get("name_class") or "{label}" in str(task["options"].get("told", "")):
            named = task["name"]
    return found


def has_truth(task: Table, language: str) -> bool:
    """Whether an answer to this task can be right or wrong."""
    return trial_types.load(task["trial_type"]).has_truth(options_of(task, language))


def _catch(document: Table) -> list[Problem]:
    wanted = [section for section in ("practice", "catch") if document[section]["count"]]
    if any(condition["compare"] for condition in document["conditions"]):
        words = "= {} shows single photos, but the conditions of this study compare; it should be 0."
        return [Problem((section, "count"), words.format(document[section]["count"])) for section in wanted]
    if not wanted or any(has_truth(task, document["languages"][0]) for task in document["tasks"]):
        return []
    words = "= {} needs a task whose answers are right or wrong, such as identify_class."
    return [Problem((section, "count"), words.format(document[section]["count"])) for section in wanted]


def _analysis(document: Table) -> list[Problem]:
    analysis, folder = document["analysis"], "study.analysis"
    found = plugin_problems(("analysis", "primary"), folder, analysis["primary"], {})
    for number, one in enumerate(analysis["analyses"]):
        path = ("analysis", "analyses", number)
        refused = plugin_problems(path, folder, one["name"], one["parameters"])
        wrong = {} if refused else unfit(one["parameters"])
        found += [*refused, *(Problem((*path, "parameters", name), words) for name, words in wrong.items())]
    if analysis["analyses"] and analysis["primary"] not in {one["name"] for one in analysis["analyses"]}:
        found.append(Problem(("analysis", "primary"), f"= “{analysis['primary']}” should be one of analysis.analyses."))
    if not 0 < analysis["alpha"] < 0.5:
        found.append(Problem(("analysis", "alpha"), f"= {analysis['alpha']} should be between 0 and 0.5."))
    return found


def _exclusions(document: Table) -> list[Problem]:
    return [
        problem
        for number, one in enumerate(document["exclusions"])
        for problem in plugin_problems(("exclusions", number), "study.exclusions", one["rule"], one["parameters"])
    ]


# What a check needs to be sound before it can be asked.
CHECKS = [
    ({"items"}, _items),
    ({"conditions", "items"}, condition_problems),
    ({"design"}, design_problems),
    ({"design", "items", "conditions", "seed"}, _schedule),
    (
        {"items", "conditions", "languages", "practice", "catch", *(section[0] for section in SECTIONS)},
        _tasks,
    ),
    ({"recruitment"}, recruitment_problems),
    ({"analysis"}, _analysis),
    ({"exclusions"}, _exclusions),
    ({"preregistration", "conditions", "tasks", "analysis"}, preregistration_problems),
]
