"""Study files: a document as TOML, with the line of each key, so that an error says where to look."""

import re
import tomllib
from collections.abc import Sequence

from .document import validate
from .selection import DocumentError
from .texts import Path, dotted

HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
ASSIGNMENT = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
LAST_STEP = re.compile(r"\.?[^.\[\]]+$|\[\d+\]$|.$")
PLACE = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)")
# What the TOML reader's words mean in a study file: how they begin, and what would be right.
HINTS = {
    "Cannot overwrite": "it is there twice; each key is written once, and a table of a list as [[…]]",
    "Cannot declare": "it is there twice; each table is written once, and a table of a list as [[…]]",
    "Unclosed inline table": "a table in braces, { … }, ends on the line on which it begins",
    "Unclosed array": "a list ends with ]",
    "Invalid value": "a text stands in quotes; true and false are in lower case",
    "Expected newline": 'there is one key a line; a quote inside a text is written \\"',
    "Expected '='": "after a key comes = and its value",
    "Invalid statement": "a line is a key = a value, a [table], or a # comment",
}
PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
MULTILINE = ('"""', "'''")


def read(text: str) -> dict[str, object]:
    """The document in a study file; raises DocumentError with every problem, each with its line where it has one."""
    try:
        return _read(text)
    except RecursionError as error:
        raise DocumentError(
            ["This is no study document: lists or tables in it stand in each other without end."]
        ) from error


def _read(text: str) -> dict[str, object]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentError([_not_toml(text, str(error))]) from error
    except ValueError as error:  # a number of thousands of digits
        raise DocumentError([f"This is no study document: {error}."]) from error
    if problems := validate(document):
        raise DocumentError(located(text, problems))
    return document


def _not_toml(text: str, words: str) -> str:
    """Where and why a file cannot be read, and what would be right."""
    hint = next((hint for start, hint in HINTS.items() if words.startswith(start)), "")
    right = f"; {hint}" if hint else ""
    place = PLACE.fullmatch(words)
    if place is None:
        return f"This is not TOML: {words}{right}."
    lines = text.splitlines() or [""]
    number = int(place[2] or len(lines))
    return f"line {number}: this is not TOML: {place[1]}{right}: {lines[min(number, len(lines)) - 1].strip()}"


def located(text: str, problems: Sequence[str]) -> list[str]:
    """The problems, each of which begins with its key, with the line of that key or of the nearest table around it."""
    lines = {dotted(path): line for path, line in key_lines(text).items()}
    found = []
    for problem in problems:
        key = problem.partition(": ")[0]
        while key and key not in lines:
            key = LAST_STEP.sub("", key)
        found.append(f"line {lines[key]}: {problem}" if key else str(problem))
    return found


def key_lines(text: str) -> dict[Path, int]:
    """Path of each key and table -> its line, the first being 1. Keys inside inline tables have their table's line."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    closing = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := HEADER.match(line):
            table = _table(header[2], header[1] == "[[", counts)
            lines.setdefault(table, number)
            if header[1] == "[[":
                lines.setdefault(table[:-1], number)  # the list itself begins with its first table
        elif assignment := ASSIGNMENT.match(line):
            parts = _parts(assignment[1])
            for depth in range(1, len(parts) + 1):
                lines.setdefault((*table, *parts[:depth]), number)
            value = line[assignment.end() :]
            closing = next((mark for mark in MULTILINE if value.count(mark) == 1), "")
    return lines


def _parts(key: str) -> Path:
    return tuple(part.strip("\"'") for part in PART.findall(key))


def _table(name: str, is_list: bool, counts: dict[Path, int]) -> Path:
    """The path that a header opens: within lists of tables, that of the last one so far."""
    path: Path = ()
    parts = _parts(name)
    for place, part in enumerate(parts):
        path = (*path, part)
        if is_list and place == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path
