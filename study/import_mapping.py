"""How somebody else's table maps onto ours: read from TOML and checked before a row is looked at.

The format is documented in docs/import_responses.md.
"""

import io
import tomllib
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attribution import plugins
from study.analysis_parameters import unfit

COLUMNS = {
    "participant": "who answered",
    "item": "the thing that was judged",
    "condition": "what was compared",
    "correct": "whether the answer was right",
    "response": "what was answered",
    "answer_key": "what would have been right",
    "rating": "a number on a scale",
    "winner": "what was preferred",
    "loser": "what was not preferred",
    "tie": "whether neither was preferred",
    "first": "one of the two that were compared",
    "second": "the other one",
    "choice": "which was preferred: first, second, tie, or the name of one of the two",
    "response_ms": "how long the answer took",
    "is_timed_out": "whether the time was over before an answer",
    "trial": "what tells a participant’s trials apart",
    "position": "the place in the participant’s order: 0, 1, ...",
    "trial_type": "the kind of question",
    "phase": "main, repeat, practice, training, quiz, catch or questionnaire",
}
UNITS = {"ms": 1.0, "s": 1000.0}
FILE = ("encoding", "decimal")
SECTIONS = ("study", "file", "columns", "values", "scale", "phase", "keep", "exclude", "report")
PHASES = ("main", "practice", "training", "quiz", "repeat", "catch", "questionnaire")
PARAMETERS = ("interval", "rounding", "decimals", "alpha", "control", "covariate", "seed")
REPORT = ("chance", "analyses", "paired", "positive_control", *PARAMETERS)


class ImportRefusedError(ValueError):
    """What keeps a table from being imported: one sentence each in ``problems``."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Mapping:
    """A checked mapping: ours -> theirs, and what is done with the values."""

    encoding: str  # "" is: UTF-8, or what the file's first bytes say
    decimal: str  # what stands before the fraction of a number
    columns: dict[str, str]
    covariates: dict[str, str]
    response_factor: float  # to milliseconds
    values: dict[str, dict[str, str]]  # ours -> their text -> our text
    scale: tuple[float, float] | None
    phases: dict[str, dict[str, set[str]]]  # a phase -> a column -> the texts of its rows; in this order
    keep: dict[str, set[str]]  # a column -> the texts that count
    exclusions: list[dict[str, Any]]
    title: str
    question: str
    chance: float | None
    is_paired: bool
    analyses: list[tuple[str, dict[str, Any]]]  # name, parameters of its own; [] is: what the columns allow
    parameters: dict[str, Any]  # of all analyses that have them
    positive_control: str

    @property
    def named(self) -> dict[str, str]:
        """All columns of theirs that the mapping reads, by our name."""
        return {**self.columns, **self.covariates}


def read(path: Path) -> Mapping:
    """The mapping in a TOML file. Raises ``ImportRefusedError`` with everything that is wrong with it."""
    try:
        return check(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ImportRefusedError([f"{path.name} is not TOML: {error}."]) from error


def check(table: Table[str, Any]) -> Mapping:
    """The mapping that a table as from TOML describes."""
    known = ", ".join(SECTIONS)
    problems = [
        f"[{name}] is not a section of a mapping; there are: {known}." for name in table if name not in SECTIONS
    ]
    for name in SECTIONS:
        kind = list if name == "exclude" else dict
        if not isinstance(table.get(name, kind()), kind):
            words = "should be a list of tables, each written [[exclude]]." if kind is list else "should be a table."
            raise ImportRefusedError([*problems, f"{name} {words}"])
    encoding, decimal = _file(table.get("file", {}), problems)
    columns, covariates, factor = _columns(table.get("columns", {}), problems)
    report = table.get("report", {})
    study = table.get("study", {})
    problems += [
        f"[study] has no “{name}”; it has: title, question." for name in study if name not in ("title", "question")
    ]
    made = Mapping(
        encoding=encoding,
        decimal=decimal,
        columns=columns,
        covariates=covariates,
        response_factor=factor,
        values=_values(table.get("values", {}), columns | covariates, problems),
        scale=_scale(table.get("scale", {}), columns, problems),
        phases=_phases(table.get("phase", {}), columns, problems),
        keep=_texts(table.get("keep", {}), "[keep]", problems),
        exclusions=_exclusions(table.get("exclude", []), problems),
        title=str(study.get("title", "")),
        question=str(study.get("question", "")),
        chance=_chance(report, problems),
        is_paired=_flag(report, "paired", problems),
        analyses=_analyses(report, problems),
        parameters=_parameters(report, problems),
        positive_control=_name(report, "positive_control", "a condition", problems),
    )
    if problems:
        raise ImportRefusedError(problems)
    return made


def plain(value: Any) -> str:
    """A TOML value as the text that a table holds: true is “true”, 1 is “1”."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _file(block: Table[str, Any], problems: list[str]) -> tuple[str, str]:
    problems += [f"[file] has no “{name}”; it has: {', '.join(FILE)}." for name in block if name not in FILE]
    encoding, decimal = block.get("encoding", ""), block.get("decimal", ".")
    if not _is_encoding(encoding):
        problems.append('[file] encoding should be the name of one, such as "latin-1", "cp1252" or "utf-16".')
    if decimal not in (".", ","):
        problems.append('[file] decimal should be "." or ",".')
    return str(encoding), str(decimal)


def _is_encoding(name: Any) -> bool:
    """Whether a file can be opened as text by that name, or by none."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name or None)
    except (LookupError, TypeError, ValueError):
        return False
    return isinstance(name, str)


def _columns(block: Table[str, Any], problems: list[str]) -> tuple[dict[str, str], dict[str, str], float]:
    columns, factor = {}, 1.0
    covariates = block.get("covariates", {})
    for ours, theirs in block.items():
        if ours == "covariates":
            continue
        if ours not in COLUMNS:
            problems.append(f"[columns] {ours} is none of ours; there are: {', '.join(COLUMNS)}, covariates.")
        elif ours == "response_ms" and isinstance(theirs, dict):
            unit = theirs.get("unit", "ms")
            if set(theirs) - {"column", "unit"} or not isinstance(theirs.get("column"), str) or unit not in UNITS:
                problems.append('[columns] response_ms should be { column = "…", unit = "ms" } or unit = "s".')
            else:
                columns[ours], factor = theirs["column"], UNITS[unit]
        elif not isinstance(theirs, str):
            problems.append(f'[columns] {ours} should be the name of their column in quotes, such as {ours} = "name".')
        else:
            columns[ours] = theirs
    if not isinstance(covariates, dict) or not all(isinstance(theirs, str) for theirs in covariates.values()):
        problems.append('[columns] covariates should be { name = "their column", … }.')
        covariates = {}
    problems += [
        f"[columns] covariates: “{name}” should be a name of its own: letters, digits and _."
        for name in covariates
        if name in COLUMNS or not name.isidentifier()
    ]
    problems += _incomplete(columns)
    return columns, dict(covariates), factor


def _incomplete(columns: Table[str, str]) -> list[str]:
    found = []
    if "participant" not in columns:
        found.append('[columns] participant is missing: name the column that says who answered, participant = "…".')
    for one, other in (("winner", "loser"), ("loser", "winner")):
        if one in columns and other not in columns:
            found.append(f"[columns] {one} needs {other} beside it.")
    pair = ("first", "second", "choice")
    found += [
        f"[columns] {name} is missing: first, second and choice belong together."
        for name in pair
        if name not in columns and not set(pair).isdisjoint(columns)
    ]
    if {"first", "winner"} <= set(columns):
        found.append("[columns] should name either winner and loser, or first, second and choice.")
    if "tie" in columns and "winner" not in columns:
        found.append("[columns] tie needs winner and loser beside it: the two that were compared.")
    if "answer_key" in columns and "response" not in columns:
        found.append("[columns] answer_key needs response beside it: what was answered.")
    if not {"correct", "response", "rating", "winner", "choice"} & set(columns):
        found.append(
            "[columns] should name correct, or response (and answer_key, where one answer is right), or rating, or "
            "winner and loser, or first, second and choice."
        )
    return found


def _values(block: Table[str, Any], columns: Table[str, str], problems: list[str]) -> dict[str, dict[str, str]]:
    values = {}
    for ours, recoding in block.items():
        if ours not in columns:
            problems.append(f"[values.{ours}] recodes a column that [columns] does not name.")
        elif not isinstance(recoding, dict) or any(isinstance(new, dict | list) for new in recoding.values()):
            problems.append(f'[values.{ours}] should say what each of their values means, such as "True" = 1.')
        else:
            values[ours] = {theirs: plain(new) for theirs, new in recoding.items()}
    return values


def _scale(block: Table[str, Any], columns: Table[str, str], problems: list[str]) -> tuple[float, float] | None:
    problems += [f"[scale] has no “{name}”; it has: rating." for name in block if name != "rating"]
    ends = block.get("rating")
    if ends is None:
        return None
    is_pair = isinstance(ends, list) and len(ends) == 2 and all(type(end) in (int, float) for end in ends)
    if not is_pair or not ends[0] < ends[1]:
        problems.append("[scale] rating should be its two ends, such as rating = [1, 7].")
        return None
    if "rating" not in columns:
        problems.append("[scale] rating is given, but [columns] names no rating.")
    return float(ends[0]), float(ends[1])


def _phases(block: Table[str, Any], columns: Table[str, str], problems: list[str]) -> dict[str, dict[str, set[str]]]:
    if block and "phase" in columns:
        problems.append("[phase] and [columns] phase both say what a row’s phase is; one is needed.")
    phases = {}
    for phase, wanted in block.items():
        if phase not in PHASES:
            problems.append(f"[phase] {phase} is no phase; there are: {', '.join(PHASES)}.")
        elif not isinstance(wanted, dict) or not wanted:
            problems.append(f'[phase] {phase} should say by which values its rows are known: {{ column = ["…"] }}.')
        else:
            phases[phase] = _texts(wanted, f"[phase] {phase}:", problems)
    return phases


def _texts(block: Table[str, Any], where: str, problems: list[str]) -> dict[str, set[str]]:
    """Column -> the texts that count, whatever their case."""
    found = {}
    for column, values in block.items():
        if not isinstance(values, list) or not values:
            problems.append(f'{where} {column} should be a list of the values that count, such as ["main"].')
        else:
            found[column] = {plain(value).casefold() for value in values}
    return found


def _exclusions(blocks: Sequence[Any], problems: list[str]) -> list[dict[str, Any]]:
    made = []
    for number, block in enumerate(blocks, start=1):
        where = f"[[exclude]] {number}"
        if not isinstance(block, dict):
            problems.append(f"{where} should be a table.")
            continue
        if "participants" in block:
            reason = block.get("reason", "")
            if not isinstance(block["participants"], list) or set(block) - {"participants", "reason", "rule"}:
                problems.append(f'{where} should be participants = ["…"] and reason = "…".')
            elif not isinstance(reason, str) or not reason.strip():
                problems.append(f'{where} leaves participants out by name and needs a reason = "…".')
            else:
                named = [plain(one) for one in block["participants"]]
                made.append({"rule": "participants", "parameters": {"named": named, "reason": reason}})
            continue
        rule, reason = block.get("rule", ""), block.get("reason", "")
        if not isinstance(reason, str):
            problems.append(f"{where}: reason should be a sentence in quotes.")
        if rule not in plugins.names("study.exclusions"):
            known = ", ".join(plugins.names("study.exclusions"))
            problems.append(f"{where}: there is no rule “{rule}”; there are: {known}.")
            continue
        declared = plugins.describe("study.exclusions", rule).parameters
        given = {name: value for name, value in block.items() if name not in ("rule", "reason")}
        if "value" in given and "value" not in declared and declared:
            given[next(iter(declared))] = given.pop("value")  # the rule’s first parameter, whatever it is called
        try:
            made.append({"rule": rule, "parameters": plugins.complete("study.exclusions", rule, given)})
            if reason:
                made[-1]["reason"] = reason
        except plugins.PluginError as error:
            problems.append(f"{where}: {error}")
    return made


def _chance(report: Table[str, Any], problems: list[str]) -> float | None:
    problems += [f"[report] has no “{name}”; it has: {', '.join(REPORT)}." for name in report if name not in REPORT]
    chance = report.get("chance")
    if chance is not None and (type(chance) not in (int, float) or not 0 < chance < 1):
        problems.append("[report] chance should be a number between 0 and 1, such as 0.5.")
        return None
    return chance


def _flag(report: Table[str, Any], name: str, problems: list[str]) -> bool:
    value = report.get(name, False)
    if not isinstance(value, bool):
        problems.append(f"[report] {name} should be true or false.")
    return bool(value)


def _analyses(report: Table[str, Any], problems: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Each named by itself, or as a table with parameters of its own, as in a study file."""
    wanted, offered = report.get("analyses", []), ", ".join(plugins.names("study.analysis"))
    if not isinstance(wanted, list):
        problems.append(f"[report] analyses should be a list; there are: {offered}.")
        return []
    made = []
    for one in wanted:
        block = one if isinstance(one, dict) else {"name": one}
        name, parameters = block.get("name"), block.get("parameters", {})
        if not isinstance(name, str) or not isinstance(parameters, dict) or set(block) - {"name", "parameters"}:
            problems.append('[report] analyses should hold names, or { name = "…", parameters = { … } }.')
        elif name not in plugins.names("study.analysis"):
            problems.append(f"[report] analyses: there is no “{name}”; there are: {offered}.")
        else:
            try:
                plugins.complete("study.analysis", name, parameters)
            except plugins.PluginError as error:
                problems.append(f"[report] analyses: {error}")
            else:
                wrong = unfit(parameters).items()
                problems += [f"[report] analyses: “{name}”: {parameter} {words}" for parameter, words in wrong]
            made.append((name, parameters))
    return made


def _name(report: Table[str, Any], key: str, what: str, problems: list[str]) -> str:
    value = report.get(key, "")
    if not isinstance(value, str):
        problems.append(f"[report] {key} should be the name of {what} in quotes.")
    return str(value)


def _parameters(report: Table[str, Any], problems: list[str]) -> dict[str, Any]:
    given = {name: report[name] for name in PARAMETERS if name in report}
    problems += [f"[report] {parameter} {words}" for parameter, words in unfit(given).items()]
    for name, what in (("control", "a condition"), ("covariate", "one of the covariates")):
        _name(report, name, what, problems)
    return given
