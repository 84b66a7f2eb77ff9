"""The keys of a study document and what each may hold: declared once, for checking and for filling in defaults."""

import copy
import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from .texts import LANGUAGE, Path, Problem, clean, dotted, text_problems

REQUIRED = object()
SLUG = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
NAME = re.compile(r"(?=.{1,60}$)[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*")  # an arm is called by it and “, list 12”
UNIT = re.compile(r"[A-Za-z0-9_.]+:[0-9]+")
ADDRESS = re.compile(r"https?://\S+")
OUTCOMES = ("complete", "screened_out", "failed_check", "no_consent")
ROLES = ("treatment", "blind_control", "positive_control")
CONTROLS = ("", "other_class", "other_image", "randomized_network")


@dataclass(frozen=True)
class Key:
    """What one key holds: ``kind`` is one of KINDS, a table's own keys, or a list of such tables."""

    kind: str
    default: Any = REQUIRED
    keys: "Mapping[str, Key] | None" = None  # of a table, or of each table in a list
    others: bool = False  # a table that also takes a plug-in's parameters
    low: float | None = None
    high: float | None = None
    choices: Sequence[str] = ()
    longest: int = 0  # characters that its column holds; 0 is any number


def _rule(pattern: re.Pattern[str], words: str) -> Callable[[Any], str]:
    return lambda value: "" if isinstance(value, str) and pattern.fullmatch(value) else words


def _kind(types: Any, words: str) -> Callable[[Any], str]:
    return lambda value: "" if isinstance(value, types) and (types is bool or not isinstance(value, bool)) else words


def _list_of(pattern: re.Pattern[str], words: str, *, least: int = 0) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if isinstance(value, list | tuple) and len(value) < least:
            return f"is empty; it {words}"
        fits = isinstance(value, list | tuple) and all(isinstance(v, str) and pattern.fullmatch(v) for v in value)
        return words if not fits else "names something twice." if len(set(value)) < len(value) else ""

    return check


def _table_of(pattern: re.Pattern[str], words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        fits = isinstance(value, Mapping) and all(isinstance(v, str) and pattern.fullmatch(v) for v in value.values())
        return "" if fits and set(value) <= set(OUTCOMES) else words

    return check


def _date(value: Any) -> str:
    try:
        is_date = value == "" or value == date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        is_date = False
    return "" if is_date else 'should be a date in quotes, such as "2027-12-31".'


ANYTHING = re.compile(r"(?s).*\S.*")


def _number(value: Any) -> str:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and _ends(value)
    return "" if fits else "should be a number."


def _ends(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of more than 308 digits
        return False


def _numbers(value: Any) -> str:
    fits = isinstance(value, list | tuple) and not any(_number(v) for v in value)
    return "" if fits else "should be a list of numbers, such as [0.5, 1.0]."


KINDS: dict[str, Callable[[Any], str]] = {
    "numbers": _numbers,
    "slug": _rule(SLUG, "should be lower-case letters, digits, - and _, such as “sense-of-geese”."),
    "name": _rule(NAME, "should be at most 60 letters, digits, -, _ and ., such as “trained”."),
    "string": _kind(str, "should be a text in quotes."),
    "whole": _kind(int, "should be a whole number."),
    "number": _number,
    "flag": _kind(bool, "should be true or false."),
    "date": _date,
    "table": _kind(Mapping, "should be a table."),
    "languages": _list_of(LANGUAGE, 'should be a list of language codes, such as ["en", "de"].', least=1),
    "strings": _list_of(ANYTHING, 'should be a list of texts, such as ["goose", "lemon"].'),
    "units": _list_of(UNIT, 'should be a list of modules with a channel each, such as ["block4.activation:7"].'),
    "addresses": _table_of(ADDRESS, f"should hold web addresses under the names {', '.join(OUTCOMES)}."),
    "codes": _table_of(ANYTHING, f"should hold codes under the names {', '.join(OUTCOMES)}."),
}

HTML = {"text": Key("html")}
EXCLUSIONS = Key("list", [], keys={"rule": Key("string"), "parameters": Key("table", {}), "reason": Key("string", "")})
TASK = {"name": Key("name"), "trial_type": Key("string"), "options": Key("table", {})}
STIMULI = {"count": Key("whole", 0, low=0, high=100), "images": Key("strings", [])}
KEYS: dict[str, Key] = {
    "slug": Key("slug", longest=80),
    "title": Key("text"),
    "question": Key("text"),
    "languages": Key("languages"),
    "network": Key("string"),
    "seed": Key("whole", 0, low=0, high=2**53),
    "exclusive": Key("string", ""),
    "identities_until": Key("date", ""),
    "minimum_viewport": Key("whole", 0, low=0, high=4000),
    "consent": Key("table", keys={"version": Key("string", "1", longest=40), "text": Key("html")}),
    "instructions": Key("table", keys=HTML),
    "debriefing": Key("table", None, keys=HTML),
    "design": Key("table", keys={"name": Key("string"), "quota": Key("whole", 0, low=0, high=1_000_000)}, others=True),
    "conditions": Key(
        "list",
        keys={
            "name": Key("name"),
            "label": Key("text", None),
            "role": Key("string", "treatment", choices=ROLES),
            "visualization": Key("string", ""),
            "method": Key("string", ""),
            "photo": Key("flag", False),
            "compare": Key("strings", []),
            "parameters": Key("table", {}),
            "control": Key("string", "", choices=CONTROLS),
            "rendering": Key("table", {}, keys={"display": Key("string", "")}, others=True),
        },
    ),
    "items": Key(
        "table",
        keys={
            "classes": Key("strings", []),
            "per_class": Key("whole", 1, low=1, high=100),
            "units": Key("units", []),
            "references": Key("whole", 4, low=1, high=16),
            "images": Key("strings", []),
            "target": Key("string", "label", choices=("label", "predicted")),
            "balanced": Key("flag", False),
            "reason": Key("string", ""),
        },
    ),
    "tasks": Key("list", keys=TASK),
    "screening": Key("list", [], keys=TASK),
    "quiz": Key(
        "table",
        {},
        keys={
            "pass": Key("whole", 0, low=0),
            "attempts": Key("whole", 2, low=0, high=100),
            "questions": Key("list", [], keys=TASK),
        },
    ),
    "practice": Key(
        "table",
        {},
        keys={
            **STIMULI,
            "feedback": Key("flag", True),
            "at_least": Key("number", 0, low=0, high=1),
            "attempts": Key("whole", 0, low=0, high=100),
        },
    ),
    "training": Key(
        "table",
        {},
        keys={
            **STIMULI,
            "sessions": Key("whole", 1, low=1, high=20),
            "feedback": Key("flag", True),
            "tasks": Key("list", [], keys=TASK),
        },
    ),
    "repeats": Key("table", {}, keys={"count": Key("whole", 0, low=0, high=1000)}),
    "breaks": Key("table", {}, keys={"every": Key("whole", 20, low=0, high=1000)}),
    "catch": Key("table", {}, keys=STIMULI),
    "questionnaire": Key("list", [], keys=TASK),
    "recruitment": Key(
        "list",
        [{"name": "link"}],
        keys={
            "name": Key("slug", longest=80),
            "source": Key("string", "link"),
            # What is not said is the source's: see recruitment_sources.
            "identity_parameter": Key("string", None, longest=80),
            "other_parameters": Key("strings", None),
            "return_urls": Key("addresses", {}),
            "codes": Key("codes", {}),
            "submit": Key("table", None),
            "looking": Key("table", None),
            "idle_seconds": Key("whole", None, low=0, high=3600),
        },
    ),
    "analysis": Key(
        "table",
        keys={
            "primary": Key("string"),
            "alpha": Key("number", 0.05),
            "analyses": Key("list", [], keys={"name": Key("string"), "parameters": Key("table", {})}),
        },
    ),
    "exclusions": EXCLUSIONS,
    "preregistration": Key(
        "table",
        None,
        keys={
            "hypotheses": Key("strings", []),
            "participants": Key("whole", 0, low=0, high=1_000_000),
            "stopping_rule": Key("string", ""),
            "smallest_effect": Key("number", 0.0, low=0),
            "smallest_effect_reason": Key("string", ""),
            "family": Key("strings", []),
            "looks": Key("numbers", []),
            "spending": Key("string", "obrien_fleming", choices=("obrien_fleming", "pocock")),
            "planned_standard_error": Key("number", 0.0, low=0),
            "blind_arms": Key("flag", False),
            "forecasts": Key(
                "list", [], keys={"who": Key("string"), "condition": Key("string"), "estimate": Key("number")}
            ),
            "multiverse": Key(
                "list", [], keys={"name": Key("string"), "task": Key("string", ""), "exclusions": EXCLUSIONS}
            ),
        },
    ),
}


def shape_problems(document: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a document's keys and kinds of values, without asking what they name."""
    known: Sequence[str] = [] if KINDS["languages"](document.get("languages")) else document["languages"]
    found = _table_problems((), document, KEYS, False, known)
    told = {problem.path for problem in found}
    return found + [problem for problem in _stray_problems((), document) if problem.path not in told]


def unknown_key(path: Path, name: str, known: Sequence[str]) -> Problem:
    """The sentence for a key that is not one, with the nearest that is."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean “{near[0]}”?" if near else f"the keys here are: {', '.join(known)}."
    return Problem((*path, name), f"is not a key of a study document; {hint}")


def _table_problems(
    path: Path, table: Mapping[str, Any], keys: Mapping[str, Key], others: bool, languages: Sequence[str]
) -> list[Problem]:
    found = [unknown_key(path, str(name), list(keys)) for name in table if name not in keys and not others]
    for name, key in keys.items():
        if name in table:
            found += _value_problems((*path, name), table[name], key, languages)
        elif key.default is REQUIRED:
            found.append(Problem((*path, name), "is missing."))
    return found


def _value_problems(path: Path, value: Any, key: Key, languages: Sequence[str]) -> list[Problem]:
    if value is None and key.default is None:  # as a completed document holds what was left out
        return []
    if key.kind in ("text", "html"):
        return text_problems(path, value, languages) or (_emptied(path, value) if key.kind == "html" else [])
    if key.kind == "list":
        return _list_problems(path, value, key, languages)
    if words := KINDS[key.kind](value):
        return [Problem(path, words)]
    if key.longest and len(value) > key.longest:
        return [Problem(path, f"has {len(value)} characters; {key.longest} are the most.")]
    if key.low is not None and value < key.low:
        return [Problem(path, f"= {value} should be at least {key.low:g}.")]
    if key.high is not None and value > key.high:
        return [Problem(path, f"= {value} should be at most {key.high:g}.")]
    if key.choices and value not in key.choices:
        offered = ", ".join(f"“{one}”" for one in key.choices)
        return [Problem(path, f"= “{value}” should be one of: {offered}.")]
    if key.keys is not None:
        return _table_problems(path, value, key.keys, key.others, languages)
    return []


def _emptied(path: Path, value: Mapping[str, str]) -> list[Problem]:
    gone = ", ".join(language for language, text in value.items() if not clean(text).strip())
    words = f"says nothing in {gone} once all but plain formatting and links is taken away."
    return [Problem(path, words)] if gone else []


def _stray_problems(path: Path, value: Any) -> list[Problem]:
    """What TOML knows and a stored document does not, however deep: dates, times, inf, nan and NUL characters."""
    if isinstance(value, Mapping):
        return [problem for name, one in value.items() for problem in _stray_problems((*path, str(name)), one)]
    if isinstance(value, list | tuple):
        return [problem for number, one in enumerate(value) for problem in _stray_problems((*path, number), one)]
    if isinstance(value, date | time):
        return [Problem(path, f"= {value} is a date or a time; a text stands in quotes.")]
    if isinstance(value, str) and "\0" in value:
        return [Problem(path, "holds a NUL character, which no database stores.")]
    if not isinstance(value, int | float) or _ends(value):
        return []
    if isinstance(value, int):
        return [Problem(path, f"has {len(str(abs(value)))} digits, more than any number is computed with.")]
    return [Problem(path, f"= {value} should be a number that ends.")]


def _list_problems(path: Path, value: Any, key: Key, languages: Sequence[str]) -> list[Problem]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) for one in value):
        return [Problem(path, f"should be a list of tables, each written [[{dotted(path)}]].")]
    if key.default is REQUIRED and not value:
        return [Problem(path, f"is empty; it needs at least one table [[{dotted(path)}]].")]
    found = []
    keys = key.keys or {}
    is_identity = "name" in keys and keys["name"].kind in ("name", "slug")
    seen: set[str] = set()
    for number, one in enumerate(value):
        found += _table_problems((*path, number), one, keys, key.others, languages)
        name = one.get("name")
        if is_identity and isinstance(name, str):
            if name in seen:
                found.append(Problem((*path, number, "name"), f"= “{name}” is there twice; each needs its own."))
            seen.add(name)
    return found


def completed_table(table: Mapping[str, Any], keys: Mapping[str, Key]) -> dict[str, Any]:
    """The table with every default filled in and its HTML cleaned; what it holds must have no problems of shape."""
    made = {name: copy.deepcopy(value) for name, value in table.items() if name not in keys}
    for name, key in keys.items():
        value = table[name] if name in table else copy.deepcopy(key.default)
        if key.kind == "html" and value is not None:
            made[name] = {language: clean(text) for language, text in value.items()}
        elif key.kind == "list" and key.keys is not None:
            made[name] = [completed_table(one, key.keys) for one in value]
        elif key.keys is not None and value is not None:
            made[name] = completed_table(value, key.keys)
        else:
            made[name] = copy.deepcopy(value)
    return made
