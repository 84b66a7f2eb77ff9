"""Study files: a document as TOML, with the line of each key, so that an error says where to look."""

import re
import tomllib
from collections.abc import Sequence

from .document import validate
from .selection import DocumentError
from .texts import Path, Problem

HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
ASSIGNMENT = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
MULTILINE = ('"""', "'''")


def read(text: str) -> dict[str, object]:
    """The document in a study file; raises DocumentError with every problem, each with its line where it has one."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentError([f"This is not TOML: {error}."]) from error
    if problems := validate(document):
        raise DocumentError(located(text, problems))
    return document


def located(text: str, problems: Sequence[Problem]) -> list[str]:
    """The problems as sentences that begin with the line of their key, or of the nearest table around it."""
    lines = key_lines(text)
    found = []
    for problem in problems:
        path = problem.path
        while path and path not in lines:
            path = path[:-1]
        found.append(f"line {lines[path]}: {problem}" if path else str(problem))
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
