"""The files of an export: their columns, and their cells written and read back exactly.

A text cell that a spreadsheet would take for a formula gets an apostrophe in front (and one that already looks so gets
another), which ``read`` takes away again; numbers and booleans are never touched. A missing value is an empty cell.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from attribution.spreadsheets import neutralised, original
from study.analysis import Answers
from study.map_files import MapFile
from study.marked_regions import regions

Column = tuple[str, str, str]  # type (string, integer, number, boolean, time), unit or "", meaning

RESPONSES: dict[str, Column] = {
    "participant": ("string", "", "the participant’s code"),
    "item": ("string", "", "the thing that was judged"),
    "condition": ("string", "", "the condition under which it was shown"),
    "trial_type": ("string", "", "the kind of question"),
    "phase": ("string", "", "screening, practice, quiz, training, main, repeat, catch or questionnaire"),
    "position": ("integer", "", "0, 1, ... over the participant’s session"),
    "attempt": ("integer", "", "1, or more where practice or the quiz was repeated"),
    "response": ("string", "", "what was answered"),
    "answer_key": ("string", "", "what would have been right"),
    "correct": ("boolean", "", "whether the answer was right; empty where nothing is right or wrong"),
    "rating": ("number", "points", "the rating, from scale_low to scale_high (trials.csv)"),
    "winner": ("string", "", "what was preferred"),
    "loser": ("string", "", "what was not preferred"),
    "tie": ("boolean", "", "whether neither was preferred; winner and loser are then the two in alphabetical order"),
    "response_ms": ("number", "ms", "from the picture’s onset to the answer; empty where it was not measured"),
    "is_timed_out": ("boolean", "", "whether the time was over before an answer"),
    "excluded_by": ("string", "", "the rule that leaves the participant out of the analyses; empty if none does"),
    "origin": ("string", "", "person, simulated or imported: who answered"),
}
TRIALS: dict[str, Column] = {
    "participant": ("string", "", "the participant’s code, as in responses.csv"),
    "position": ("integer", "", "as in responses.csv"),
    "attempt": ("integer", "", "as in responses.csv"),
    "task": ("string", "", "the question’s name in the study document"),
    "arm": ("string", "", "the participant’s arm"),
    "chance": ("number", "", "the probability of a right answer by guessing"),
    "scale_low": ("number", "points", "the lowest rating that could be given"),
    "scale_high": ("number", "points", "the highest rating that could be given"),
    "origin": ("string", "", "person, simulated or imported: who answered"),
}
QUALITY: dict[str, Column] = {
    "load_ms": ("number", "ms", "the slowest picture’s fetching and decoding, before the screen was shown"),
    "frame_ms": ("number", "ms", "from the frame in which the screen was shown to the next one, the onset"),
    "first_ms": ("number", "ms", "from the onset to the first touch of a control"),
    "hidden_ms": ("number", "ms", "how long the tab was hidden while the screen was shown"),
    "early_keys": ("integer", "", "keys pressed before the onset"),
    "times_shown": ("integer", "", "how often the browser showed the screen: over 1 after a reload"),
    "viewport": ("string", "px", "width, height and device-pixel ratio at the onset"),
    "is_resized": ("boolean", "", "whether the window changed its size while the screen was shown"),
    "is_pasted": ("boolean", "", "whether text was pasted into an answer"),
}
PARTICIPANTS: dict[str, Column] = {
    "participant": ("string", "", "the participant’s code"),
    "arm": ("string", "", "the arm it was assigned to"),
    "origin": ("string", "", "person, simulated or imported: who answered"),
    "state": ("string", "", "started, completed, screened_out, failed_check, withdrawn or erased"),
    "excluded_by": ("string", "", "the rule that leaves the participant out of the analyses; empty if none does"),
    "reason": ("string", "", "why, in words"),
    "duplicate_of": ("string", "", "the earlier participation of the same person, if there is one"),
    "language": ("string", "", "the language of the survey"),
    "started_at": ("time", "", "when the participation began (UTC)"),
    "completed_at": ("time", "", "when it was completed (UTC)"),
}
ITEMS: dict[str, Column] = {
    "item": ("string", "", "the thing that was judged"),
    "origin": ("string", "", "who answered: person, simulated or imported"),
}

MAPS: dict[str, Column] = {
    "item": ("string", "", "the thing that was judged"),
    "condition": ("string", "", "the condition whose map it is"),
    "origin": ("string", "", "who answered: person, simulated or imported"),
    "array": ("string", "", "its name in maps.npz: an array of channels, rows and columns"),
    "method": ("string", "", "the attribution method that made it"),
    "target": ("string", "", "the class or unit that it explains"),
    "channels": ("integer", "", "1, or 3 where a map has colours"),
    "height": ("integer", "px", "rows, of the picture as the network sees it"),
    "width": ("integer", "px", "columns"),
}


def cell(value: Any) -> str:
    """One cell: texts neutralised, booleans 1 or 0, None empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        # A lone half of a surrogate pair can be typed into JSON, but not written as UTF-8.
        return neutralised(value if value.isascii() else value.encode("utf-8", "replace").decode())
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        if value != value:
            return ""
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    return cell(json.dumps(value, ensure_ascii=False))


def lines(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """CSV lines, the header first."""
    yield from written([list(columns)])
    yield from written(rows)


def written(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """CSV lines."""
    buffer = io.StringIO()
    # RFC 4180; with any other line end a carriage return inside a cell would go unquoted.
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in rows:
        writer.writerow(map(cell, row))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def read(path: Path, types: Mapping[str, Column]) -> pd.DataFrame:
    """A CSV file with what ``lines`` wrote, every column of its declared type (text where it is not declared)."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        rows = list(reader)
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in header]
    return pd.DataFrame(
        {
            name: typed(cells, types.get(name, ("string", "", ""))[0])
            for name, cells in zip(header, columns, strict=True)
        }
    )


def typed(values: Iterable[Any], kind: str) -> "pd.Series[Any]":
    """Values (or cells of text) as a column: numbers as float, booleans with None, everything else as text."""
    if kind in ("number", "integer"):
        return pd.Series([None if v in ("", None) else float(v) for v in values], dtype="float64")
    if kind == "boolean":
        return pd.Series([None if v in ("", None) else v in (True, 1, "1") for v in values], dtype=object)
    return pd.Series([None if v in ("", None) else original(v) for v in values], dtype=object)


def declared(folder: Path) -> dict[tuple[str, str], Column]:
    """What the codebook of a report's folder says: (file, column) -> type, unit, meaning."""
    return {
        (str(one.file), str(one.column)): (str(one.type), str(one.unit or ""), str(one.meaning or ""))
        for one in read(folder / "codebook.csv", {}).itertuples(index=False)
    }


def everything(folder: Path) -> Answers:
    """All answers in the files of a report's folder, those of excluded participants too."""
    types = declared(folder)

    def table(name: str) -> pd.DataFrame:
        return read(folder / name, {column: kind for (file, column), kind in types.items() if file == name})

    key = ["participant", "position", "attempt"]
    return Answers(
        responses=table("responses.csv").merge(table("trials.csv").drop(columns="origin"), on=key, how="left"),
        participants=table("participants.csv"),
        items=table("items.csv"),
        maps=_maps(folder),
        document=json.loads((folder / "document.json").read_text(encoding="utf-8")),
        plan=json.loads((folder / "plan.json").read_text(encoding="utf-8")),
    )


def _maps(folder: Path) -> MapFile:
    path = folder / "maps.csv"
    rows = read(path, MAPS) if path.is_file() else pd.DataFrame(columns=list(MAPS))
    names = {(str(one.item), str(one.condition)): str(one.array) for one in rows.itertuples(index=False)}
    return MapFile(folder / "maps.npz", names)


def analysed(found: Answers) -> Answers:
    """Without the participants whom a rule leaves out: what ``study.frames`` makes of the rows."""
    responses = found.responses[found.responses["excluded_by"].isna()].reset_index(drop=True)
    return replace(
        found,
        responses=responses,
        regions=regions(responses),
        participants=found.participants[found.participants["excluded_by"].isna()].reset_index(drop=True),
    )
