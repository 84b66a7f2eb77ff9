"""What CSV files say of images: ``labels.csv`` (file, label_index, label), ``boxes.csv`` (file, object, left, ...).

Rows are counted as a spreadsheet counts them: the header is row 1. Further columns of labels.csv are facts.
"""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .files import MEBIBYTE, FileError, NamedFile

TABLE_BYTES = 32 * MEBIBYTE
EDGES = ("left", "top", "right", "bottom")
LARGEST_INDEX = 2**31 - 1


@dataclass(frozen=True)
class Label:
    """A row of labels.csv: a class name, its index among the network's classes, or both."""

    text: str
    index: int | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Box:
    """A row of boxes.csv, in pixels of the upright image; ``where`` names the row for a message."""

    object: str
    edges: tuple[float, float, float, float]
    where: str

    def to_json(self) -> dict[str, Any]:
        return {"object": self.object, **dict(zip(EDGES, self.edges, strict=True))}

    def problem(self, width: int, height: int) -> str:
        """Why this is no box of a (width, height) image, naming row and column; "" where it is one."""
        for name, value, most in zip(EDGES, self.edges, (width, height, width, height), strict=True):
            if not 0 <= value <= most:
                return (
                    f"{self.where}, column {name}: {value:g} is outside the image, which is {width} x {height} pixels."
                )
        left, top, right, bottom = self.edges
        if left >= right:
            return f"{self.where}, column right: {right:g} is not to the right of left, {left:g}."
        if top >= bottom:
            return f"{self.where}, column bottom: {bottom:g} is not below top, {top:g}."
        return ""


@dataclass
class Table:
    """A CSV file's rows as (row number, cells by column), with what was wrong so far."""

    name: str
    rows: list[tuple[int, dict[str, str]]]
    columns: list[str]
    problems: list[str] = field(default_factory=list)

    def where(self, row: int) -> str:
        return f"{self.name} row {row}"

    def refuse(self, row: int, column: str, reason: str) -> None:
        self.problems.append(f"{self.where(row)}, column {column}: {reason}")


def read_labels(file: NamedFile, known: Iterable[str]) -> dict[str, Label]:
    """Image name -> label; raises FileError naming row and column of whatever is not right."""
    table = _read(file, needed=("file",), one_of=("label", "label_index"))
    names, labels = set(known), {}
    for row, cells in table.rows:
        name = cells["file"]
        if name in labels:
            table.refuse(row, "file", f"“{name}” stands in an earlier row already; an image has one label.")
            continue
        _check_known(table, row, name, names)
        text, index = cells.get("label", ""), cells.get("label_index", "")
        if not text and not index:
            table.refuse(row, "label", "it is empty, and so is label_index; leave the row out instead.")
        facts = {
            column: _value(cells[column]) for column in table.columns if column not in ("file", "label", "label_index")
        }
        labels[name] = Label(text=text, index=_index(table, row, index), facts=facts)
    if table.problems:
        raise FileError(table.problems)
    return labels


def read_boxes(file: NamedFile, known: Iterable[str]) -> dict[str, list[Box]]:
    """Image name -> boxes, not yet held against the image's size; raises FileError naming row and column."""
    table = _read(file, needed=("file", "object", *EDGES))
    names = set(known)
    boxes: dict[str, list[Box]] = {}
    for row, cells in table.rows:
        _check_known(table, row, cells["file"], names)
        edges = tuple(_number(table, row, name, cells[name]) for name in EDGES)
        boxes.setdefault(cells["file"], []).append(
            Box(cells["object"], (edges[0], edges[1], edges[2], edges[3]), table.where(row))
        )
    if table.problems:
        raise FileError(table.problems)
    return boxes


def _read(file: NamedFile, *, needed: tuple[str, ...], one_of: tuple[str, ...] = ()) -> Table:
    try:
        text = file.read(limit=TABLE_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError([f"{file.name} is not UTF-8 text; save it as “CSV UTF-8”."]) from error
    if "\0" in text:
        raise FileError([f"{file.name} is not a text file; a table is sent as CSV."])
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)  # spreadsheets of some countries write semicolons
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    try:
        columns = [cell.strip() for cell in next(reader, [])]
        _check_columns(file.name, columns, needed, one_of)
        for number, cells in enumerate(reader, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise FileError([f"{file.name} row {number} has {len(cells)} cells, the header {len(columns)}."])
            rows.append((number, {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}))
    except csv.Error as error:
        raise FileError([f"{file.name} is not a readable CSV table near line {reader.line_num}: {error}."]) from error
    return Table(name=file.name, rows=rows, columns=columns)


def _check_columns(name: str, columns: list[str], needed: tuple[str, ...], one_of: tuple[str, ...]) -> None:
    found = f"its header is “{', '.join(columns)[:200]}”"
    missing = [column for column in needed if column not in columns]
    if missing:
        raise FileError([f"{name} lacks the column {', '.join(missing)}; {found}."])
    if one_of and not set(one_of) & set(columns):
        raise FileError([f"{name} needs the column {' or '.join(one_of)}; {found}."])
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise FileError([f"{name} has the column {', '.join(twice)} more than once."])


def _check_known(table: Table, row: int, name: str, known: set[str]) -> None:
    if name not in known:
        table.refuse(row, "file", f"there is no image “{name}” among those that are added.")


def _index(table: Table, row: int, text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > LARGEST_INDEX:
        table.refuse(row, "label_index", f"“{text}” is not a whole number from 0 up, the place among the classes.")
        return None
    return int(text)


def _number(table: Table, row: int, column: str, text: str) -> float:
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        table.refuse(row, column, f"“{text}” is not a number of pixels.")
    return value


def _value(text: str) -> str | int | float | None:
    """A fact's cell as what it looks like: nothing, a whole number, a number or text."""
    if not text:
        return None
    if "_" in text or len(text) > 40:
        return text
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if math.isfinite(value):
            return value
    return text
