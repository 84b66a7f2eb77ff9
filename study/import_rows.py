"""Somebody else's table, row by row: read, recoded and checked; what is wrong is named by line and column."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from study.import_mapping import PHASES, ImportRefusedError, Mapping

MOST_PROBLEMS = 20
MISSING = {"", "na", "n/a", "nan", "null", "none"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
TRUE, FALSE = {"1", "1.0", "true", "yes", "t", "y"}, {"0", "0.0", "false", "no", "f", "n"}
# What is remarkable but no reason to refuse, as a report says it after the number.
FLAGS = {  # what is kept but counted: said of one, and of several
    "not_kept": ("row is not among those to keep", "rows are not among those to keep"),
    "negative_response_time": (
        "response time is negative and counts as missing",
        "response times are negative and count as missing",
    ),
    "absent_response_time": ("response time is missing", "response times are missing"),
    "timed_out": ("answer timed out", "answers timed out"),
    "without_answer": ("row holds no answer", "rows hold no answer"),
    "unknown_excluded": (
        "participant who is to be left out by name has no rows that count",
        "participants who are to be left out by name have no rows that count",
    ),
}
END_OF_FILE = ["END OF FILE"]  # the last line of the tables that the experiment builder Gorilla makes
LONGEST = {"participant": 80, "condition": 80, "item": 200, "trial_type": 80}
REQUIRED = ("participant", "item", "condition", "trial", "position", "phase", "trial_type", "first", "second")


@dataclass
class Imported:
    """The rows that count, each as {our name: value}, and how often something was remarkable but not refused."""

    rows: list[dict[str, Any]]
    flags: Counter[str] = field(default_factory=Counter)
    covariates: dict[str, str] = field(default_factory=dict)  # name -> number or string


def read(path: Path, mapping: Mapping) -> Imported:
    """All rows of a CSV, TSV or semicolon-separated file. Raises ``ImportRefusedError`` naming lines and columns."""
    lines = _cells(path, _encoding(path, mapping.encoding))
    _, header = next(lines, (0, []))
    _check_header(header, mapping)
    place = {name: number for number, name in enumerate(header)}
    checked = _Checked(mapping)
    for number, (line, cells) in enumerate(lines, start=1):
        where = f"Line {line} (row {number} of the data)"
        if len(cells) != len(header):
            checked.refuse(f"{where} has {len(cells)} cells, but the header has {len(header)}.")
            continue
        row = {name: cells[place[theirs]] for name, theirs in mapping.named.items()}
        if not _has(mapping.keep, cells, place, row):
            checked.found.flags["not_kept"] += 1
            continue
        if mapping.phases:
            row["phase"] = next(
                (phase for phase, wanted in mapping.phases.items() if _has(wanted, cells, place, row)), "main"
            )
        checked.add(where, line, row)
    return checked.finished()


def _has(wanted: dict[str, set[str]], cells: list[str], place: dict[str, int], row: dict[str, str]) -> bool:
    """Whether a row has one of the wanted texts in each of these columns: theirs by its place, or else ours."""
    texts = ((cells[place[name]] if name in place else row[name], among) for name, among in wanted.items())
    return all(text.strip().casefold() in among for text, among in texts)


def flagged(name: str, count: int) -> str:
    """A sentence about so many rows (or participants) with a flag."""
    one, several = FLAGS.get(name, (name, name))
    return f"{count} {one if count == 1 else several}."


def _encoding(path: Path, named: str) -> str:
    """The one that is named, or what the file's first bytes say; UTF-8, with a mark or without, where they say none."""
    if named and codecs.lookup(named).name != "utf-8":
        return named
    with path.open("rb") as file:
        start = file.read(2)
    return "utf-16" if not named and start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _cells(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Line number (the header’s is 1) and cells of every line that is not empty."""
    last = 0  # the line where the row before ended
    try:
        with path.open(encoding=encoding, newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(",\t;|", key=first.count)
            # A table may hold long texts; the module's own limit is 128 kB a cell.
            csv.field_size_limit(2**24)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for cells in reader:
                if any(cells) and cells != END_OF_FILE:
                    yield reader.line_num, cells
                last = reader.line_num
    except UnicodeError as error:  # also of a UTF-16 that does not begin as one, which is no UnicodeDecodeError
        named = "UTF-8" if encoding == "utf-8-sig" else encoding
        raise ImportRefusedError(
            [
                f"{path.name} is not a text file in {named} ({error}); save it as CSV UTF-8, or say in the mapping "
                'what it is: [file] encoding = "latin-1".'
            ]
        ) from error
    except csv.Error as error:
        raise ImportRefusedError(
            [
                f"{path.name} is not a readable table: from line {last + 1} on, {error}; is a quotation mark there "
                "not closed, or not doubled within quotation marks?"
            ]
        ) from error


def _check_header(header: Sequence[str], mapping: Mapping) -> None:
    if not header:
        raise ImportRefusedError(["The file is empty; it should begin with a line of column names."])
    problems = []
    wanted = {**{f"[columns] {name}": theirs for name, theirs in mapping.named.items()}}
    named = {"[keep]": mapping.keep, **{f"[phase] {phase}:": texts for phase, texts in mapping.phases.items()}}
    wanted |= {
        f"{where} {column}": column for where, texts in named.items() for column in texts if column not in mapping.named
    }
    for where, column in wanted.items():
        if header.count(column) > 1:
            problems.append(f"{where}: the file has {header.count(column)} columns named “{column}”; one is needed.")
        elif column not in header:
            problems.append(f"{where}: there is no column “{column}” in the file; there are: {', '.join(header)}.")
    if problems:
        raise ImportRefusedError(problems)


class _Checked:
    """Takes rows one by one, and remembers what it needs to find doubles."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.found = Imported([])
        self.problems: list[str] = []
        self.seen: dict[tuple[Any, ...], int] = {}
        self.condition_of: dict[str, str] = {}

    def refuse(self, problem: str) -> None:
        self.problems.append(problem)
        if len(self.problems) >= MOST_PROBLEMS:
            raise ImportRefusedError(
                [*self.problems, f"These are the first {MOST_PROBLEMS} problems; there may be more."]
            )

    def add(self, where: str, line: int, texts: dict[str, str]) -> None:
        before = len(self.problems)
        row: dict[str, Any] = {}
        for name, text in texts.items():
            recoded = self._recoded(name, text)
            try:
                row[name] = self._value(name, recoded)
            except ValueError as error:
                self.refuse(f"{where}, column “{self.mapping.named[name]}”: {error}")
        if len(self.problems) > before:
            return
        self._check_row(where, line, row)
        self._flag(row)
        self.found.rows.append(row)

    def _recoded(self, name: str, text: str) -> str:
        text = text.strip()
        recoding = self.mapping.values.get(name, {})
        if text in recoding:
            return recoding[text]
        lower = {theirs.casefold(): new for theirs, new in recoding.items()}
        return lower.get(text.casefold(), text)

    def _value(self, name: str, text: str) -> Any:
        """Our value of a text; raises ValueError saying what would be right."""
        if name in ("correct", "tie", "is_timed_out"):
            return _flag_of(text)
        if name in ("rating", "response_ms"):
            value = self._number(text)
            if name == "rating" and value is not None and self.mapping.scale:
                low, high = self.mapping.scale
                if not low <= value <= high:
                    raise ValueError(f"{text} is outside the scale from {low:g} to {high:g}.")
            return value
        if name == "position":
            whole = text.removesuffix(".0")  # as a table that lacks some of a column's values writes it
            if not whole.isdecimal():
                raise ValueError(f"“{text}” should be a whole number, 0 or more.")
            return int(whole)
        if not text and name in REQUIRED:
            raise ValueError("it is empty.")
        if name == "phase" and text not in PHASES:
            raise ValueError(f"“{text}” should be one of: {', '.join(PHASES)}.")
        if len(text) > LONGEST.get(name, len(text)):
            raise ValueError(f"“{text[:30]}…” has {len(text)} letters; at most {LONGEST[name]} are allowed.")
        return text or None

    def _number(self, text: str) -> float | None:
        return _number_of(text, self.mapping.decimal)

    def _check_row(self, where: str, line: int, row: dict[str, Any]) -> None:
        columns = self.mapping.columns
        if "choice" in columns:
            if row["first"] == row["second"]:
                self.refuse(f"{where}: “{row['first']}” is compared with itself.")
            try:
                row["winner"], row["loser"], row["tie"] = _preferred(row)
            except ValueError as error:
                self.refuse(f"{where}, column “{columns['choice']}”: {error}")
                return
        if "winner" in row:
            if (row["winner"] is None) != (row["loser"] is None):
                self.refuse(f"{where}: winner and loser should both be given.")
            elif row["winner"] is not None and row["winner"] == row["loser"] and "choice" not in row:
                self.refuse(f"{where}: “{row['winner']}” is compared with itself.")
        key, words = self._identity(row)
        if key:
            if key in self.seen:
                self.refuse(f"{where} repeats line {self.seen[key]}: the same {words}.")
            self.seen.setdefault(key, line)
        if "condition" in columns and not self.mapping.is_paired:
            known = self.condition_of.setdefault(row["participant"], row["condition"])
            if known != row["condition"]:
                self.refuse(
                    f"{where}, column “{columns['condition']}”: participant “{row['participant']}” is in “{known}” and "
                    f"in “{row['condition']}”; if the condition varies within participants, say so in [report]: "
                    "paired = true."
                )

    def _identity(self, row: dict[str, Any]) -> tuple[tuple[Any, ...], str]:
        """What may come only once, and in words."""
        if "trial" in row:
            return (row["participant"], row["trial"]), "participant and trial"
        if "item" not in row:
            return (), ""
        named: list[str] = [name for name in ("participant", "item", "condition", "trial_type", "phase") if name in row]
        key = [row[name] for name in named]
        if "winner" in row:
            named.append("pair")
            one, other = ("first", "second") if "choice" in row else ("winner", "loser")
            key.append(tuple(sorted((str(row[one]), str(row[other])))))
        return tuple(key), f"{', '.join(named[:-1])} and {named[-1]}"

    def _flag(self, row: dict[str, Any]) -> None:
        flags = self.found.flags
        if "response_ms" in row:
            if row["response_ms"] is None:
                flags["absent_response_time"] += 1
            elif row["response_ms"] < 0:
                flags["negative_response_time"] += 1
                row["response_ms"] = None
            else:
                row["response_ms"] *= self.mapping.response_factor
        flags["timed_out"] += bool(row.get("is_timed_out"))
        if "response" in row and "answer_key" in row and "correct" not in row:
            is_known = row["response"] is not None and row["answer_key"] is not None
            row["correct"] = self._is_same(row["response"], row["answer_key"]) if is_known else None
        answers = [row[name] for name in ("correct", "rating", "winner") if name in row] or [row.get("response")]
        flags["without_answer"] += all(value is None for value in answers)

    def _is_same(self, one: str, other: str) -> bool:
        """The same text, or the same number: a table that lacks some of a column's values writes 3 as 3.0."""
        if one == other or (one.isdecimal() and other.isdecimal()):
            # Digit by digit: as floating-point numbers, long ids that differ in their last digits would be the same.
            return one.lstrip("0") == other.lstrip("0")
        numbers = [self._number(text) for text in (one, other) if _is_number(text, self.mapping.decimal)]
        return len(numbers) == 2 and None not in numbers and numbers[0] == numbers[1]

    def finished(self) -> Imported:
        if self.problems:
            raise ImportRefusedError(self.problems)
        if not self.found.rows:
            kept = " that [keep] keeps" if self.mapping.keep else ""
            raise ImportRefusedError([f"The file has no rows{kept}."])
        for name in self.mapping.covariates:
            texts = [row[name] for row in self.found.rows if row[name] is not None]
            is_number = all(_is_number(text, self.mapping.decimal) for text in texts)
            self.found.covariates[name] = "number" if is_number else "string"
            if is_number:
                for row in self.found.rows:
                    row[name] = self._number(row[name] or "")
        named = [one for rule in self.mapping.exclusions for one in rule["parameters"].get("named", ())]
        self.found.flags["unknown_excluded"] = len(set(named) - {row["participant"] for row in self.found.rows})
        return self.found


def _flag_of(text: str) -> bool | None:
    if text.casefold() in MISSING:
        return None
    if text.casefold() in TRUE | FALSE:
        return text.casefold() in TRUE
    raise ValueError(f"“{text}” is neither 1 nor 0 (nor true, false, yes, no); recode it under [values].")


def _is_number(text: str, decimal: str) -> bool:
    try:
        _number_of(text, decimal)
    except ValueError:
        return False
    return True


def _number_of(text: str, decimal: str) -> float | None:
    if text.casefold() in MISSING:
        return None
    plain = text if decimal == "." else text.replace(".", " ").replace(decimal, ".")  # “1.234,5” is no number either
    if not NUMBER.fullmatch(plain):
        mark = "point" if decimal == "." else "comma"
        hint = ' Where a comma stands before the fraction, say so: [file] decimal = ",".' if "," in text else ""
        raise ValueError(f"“{text}” is not a number (with a {mark}, without units).{hint}")
    return float(plain)


def _preferred(row: dict[str, Any]) -> tuple[str | None, str | None, bool | None]:
    """Winner, loser and whether it is a tie, of a pair and the choice in it; raises ValueError."""
    first, second, choice = row["first"], row["second"], row["choice"] or ""
    word = choice.casefold()
    if choice == first or (word == "first" and choice != second):
        return first, second, False
    if choice == second or word == "second":
        return second, first, False
    if word == "tie":
        return first, second, True
    if word in MISSING:
        return None, None, None
    raise ValueError(
        f"“{choice}” is neither first, second nor tie, nor one of the pair “{first}” and “{second}”; "
        "recode it under [values.choice]."
    )
