"""A study's files: one row a trial in responses.csv, and what else a reader needs to get our numbers from them.

Everything streams: some participants are read at a time, so that memory does not grow with the answers.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from study import blinding, frames, frozen_plan, region_exports, tables
from study.tables import Column

from .models import Participant, Study

ONE_PASS = ("responses.csv", "trials.csv", "participants.csv")
SIMULATED = "SIMULATED: these answers were made by a program, not by people."


def bundle(study: Study, folder: Path, plan: Mapping[str, Any] | None = None) -> list[Path]:
    """Write responses, trials, participants, items and codebook as CSV, document and plan as JSON into ``folder``.

    ``plan`` is that of a report of the past. The first three are written in one pass, so that they agree also while
    answers come in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in (*ONE_PASS, "items.csv", "codebook.csv", "document.json", "plan.json")]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("w", encoding="utf-8", newline="")) for path in paths[:3]]
        headers = (tables.RESPONSES, trial_columns(study), tables.PARTICIPANTS)
        for file, header in zip(files, headers, strict=True):
            file.writelines(tables.lines(header, ()))
        places = _places(study)
        for batch in frames.batches(study, extra=list(tables.QUALITY)):
            files[0].writelines(tables.written(row[: len(tables.RESPONSES)] for row in batch.rows))
            files[1].writelines(tables.written([row[place] for place in places] for row in batch.rows))
            files[2].writelines(tables.written(_people(batch)))
    for path, lines in zip(paths[3:5], (items(study), codebook(study)), strict=True):
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
    for path, value in zip(paths[5:], (blinding.document(study), plan or frozen_plan.plan(study)), strict=True):
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")
    return paths + region_exports.write(study, folder)


def responses(study: Study) -> Iterator[str]:
    """The lines of responses.csv: every answered trial of everybody whose origin counts, excluded or not."""
    width = len(tables.RESPONSES)
    return tables.lines(tables.RESPONSES, (row[:width] for batch in frames.batches(study) for row in batch.rows))


def items(study: Study) -> Iterator[str]:
    """The lines of items.csv: what is true of each item, its strata and measurements."""
    frame = frames.items(study).astype(object)
    frame.insert(1, "origin", frames.origin(study))
    return tables.lines(frame.columns, frame.where(frame.notna(), None).itertuples(index=False, name=None))


def codebook(study: Study) -> Iterator[str]:
    """The lines of codebook.csv: file, column, type, unit, meaning."""
    rows: list[tuple[str, ...]] = []
    if frames.origin(study) == Participant.Origin.SIMULATED:
        rows.append(("(all files)", "origin", "string", "", SIMULATED))
    found: Mapping[str, Mapping[str, Column]] = {
        "responses.csv": tables.RESPONSES,
        "trials.csv": trial_columns(study),
        "participants.csv": tables.PARTICIPANTS,
        "items.csv": _item_columns(study),
        **({"maps.csv": tables.MAPS} if region_exports.marks_regions(study) else {}),
    }
    rows += [(file, name, *column) for file, columns in found.items() for name, column in columns.items()]
    return tables.lines(("file", "column", "type", "unit", "meaning"), rows)


def trial_columns(study: Study) -> dict[str, Column]:
    """Those of every study, those that its trial types or its import add, and how well each presentation went."""
    added = {
        name: column
        for name, column in frames.columns(study).items()
        if name not in tables.RESPONSES and name not in frames.TRIAL_COLUMNS
    }
    return {**tables.TRIALS, **added, **{k: v for k, v in tables.QUALITY.items() if k not in added}}


def _places(study: Study) -> list[int]:
    """Where the columns of trials.csv are in the rows of a batch."""
    names = [*frames.columns(study), *tables.QUALITY]
    return [names.index(column) for column in trial_columns(study)]


def _people(batch: frames.Batch) -> Iterator[tuple[Any, ...]]:
    return batch.participants.itertuples(index=False, name=None)


def _item_columns(study: Study) -> dict[str, Column]:
    frame = frames.items(study)
    known: dict[str, Column] = {}
    for name in frame.columns:
        values = frame[name].dropna()
        is_number = len(values) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        is_flag = len(values) and all(isinstance(v, bool) for v in values)
        kind = "number" if is_number else "boolean" if is_flag else "string"
        if name.startswith("truth_"):
            known[name] = (kind, "", "what is true of the item")
        else:
            known[name] = tables.ITEMS.get(str(name), (kind, "", "a stratum or measurement of the item"))
    return {"item": tables.ITEMS["item"], "origin": tables.ITEMS["origin"], **known}
