"""Every number of a report again, from the files of its bundle alone, and whether data and report still agree.

No Django, no database: this is what ``reproduce.py`` in a bundle runs.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from study import bundle_metadata, conclusions, participant_flow, provenance, tables
from study.analysis import Answers, Finding
from study.report_comparison import page_differences

TOLERANCE = 1e-6  # relative: other processors and library versions add in another order
USAGE = "Usage: python reproduce.py          the numbers, as JSON\n       python reproduce.py verify   do they agree?\n"


def main(arguments: list[str], folder: Path) -> int:
    """``reproduce.py``: print the numbers; with “verify” compare and return 1 where something differs."""
    if arguments not in ([], ["verify"]):
        sys.stderr.write(USAGE)
        return 2
    if not arguments:
        sys.stdout.write(json.dumps(recompute(folder), ensure_ascii=False, indent=1, allow_nan=False) + "\n")
        return 0
    problems = list(verify(folder))
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    if problems:
        found = "1 difference" if len(problems) == 1 else f"{len(problems)} differences"
        sys.stdout.write(f"{found}: data and report do not agree.\n")
        return 1
    sys.stdout.write("Every file has its sha256, and every number of the report follows from the data.\n")
    return 0


def recompute(folder: Path) -> dict[str, Any]:
    """What results.json holds, apart from when and with which software, from the CSV files and document.json."""
    return _concluded(tables.everything(folder))[0]


def verify(folder: Path) -> Iterator[str]:
    """A sentence for each thing that differs: which number, where."""
    try:
        package = _read(folder / "datapackage.json")
        changed = dict(_changed(folder, package))
        yield from changed.values()
        stored = _read(folder / "results.json")
        everything = tables.everything(folder)
        yield from _rules(everything)
        found, findings, added = _concluded(everything)
        page = (folder / "index.html").read_text(encoding="utf-8")
    except (ValueError, KeyError, TypeError, LookupError, OSError) as error:
        yield f"The files cannot be read as those of a report: {error}"
        return
    # A file that was changed is compared to the last digit, so that the number can be named.
    tolerance = 0.0 if "results.json" in changed else TOLERANCE
    compared = {key: stored.get(key) for key in found}
    told = [f"results.json, {where}" for where in _differences(compared, found, tolerance)]
    yield from told
    yield from page_differences(page, found["counts"], everything.conditions, findings, added)
    if told:
        yield from _versions(stored.get("software", {}))


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path.name} is no JSON object ({error}).") from error


def _concluded(everything: Answers) -> tuple[dict[str, Any], list[Finding], list[Finding]]:
    findings = conclusions.analyse(tables.analysed(everything))
    added = conclusions.supplemented(everything, findings)
    return conclusions.concluded(everything, findings, added), findings, added


def _changed(folder: Path, package: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The files that are not what datapackage.json says."""
    for resource in package["resources"]:
        path, expected = folder / resource["path"], resource["hash"].removeprefix("sha256:")
        if not (path.is_file() and path.resolve().is_relative_to(folder.resolve())):
            yield path.name, f"{path.name}: the file is missing."
        elif (digest := bundle_metadata.digest(path)) != expected:
            told = f"its sha256 is {digest}, datapackage.json says {expected}"
            yield path.name, f"{path.name}: the file was changed: {told}."


def _rules(everything: Answers) -> Iterator[str]:
    """Ask the declared rules again: do they leave out whom participants.csv says, for the same reason?"""
    rules = everything.document.get("exclusions", [])
    before = {rule for rule, _ in participant_flow.UNFINISHED.values()}
    people, responses = everything.participants.copy(), everything.responses.copy()
    declared = ~people["excluded_by"].isin(before)
    people.loc[declared, ["excluded_by", "reason"]] = None
    responses.loc[~responses["excluded_by"].isin(before), "excluded_by"] = None
    participant_flow.apply(rules, people, responses)
    told = everything.participants
    cells = (told["participant"], told["excluded_by"].fillna(""), people["excluded_by"].fillna(""))
    for person, one, again in zip(*(map(str, column) for column in cells), strict=True):
        if one != again:
            yield (
                f"participants.csv, participant {person}: left out by {one or 'no rule'}, but the rules and the "
                f"answers say: {again or 'no rule'}."
            )
    rule = dict(zip(told["participant"], told["excluded_by"], strict=True))
    for person, found in everything.responses.groupby("participant")["excluded_by"].agg(set).items():
        if {cell or "" for cell in found} != {rule.get(person) or ""}:
            yield f"responses.csv, participant {person}: excluded_by is not what participants.csv says."


def _differences(stored: Any, found: Any, tolerance: float, where: str = "") -> Iterator[str]:
    """Where two structures of JSON differ, and what each says."""
    if isinstance(stored, Mapping) and isinstance(found, Mapping):
        for key in [*found, *(key for key in stored if key not in found)]:
            place = f"{where}, {key}" if where else str(key)
            yield from _differences(stored.get(key), found.get(key), tolerance, place)
    elif isinstance(stored, list) and isinstance(found, list) and len(stored) == len(found):
        for number, (one, other) in enumerate(zip(stored, found, strict=True), 1):
            name = _name(other)
            place = f"{where} {number}" + (f" ({name})" if name else "")
            yield from _differences(one, other, tolerance, place)
    elif not _same(stored, found, tolerance):
        yield f"{where}: the file says {_said(stored)}, the data give {_said(found)}."


def _name(entry: Any) -> str:
    keys = ("analysis", "condition", "term", "name", "participant")
    return next((str(entry[key]) for key in keys if entry.get(key)), "") if isinstance(entry, Mapping) else ""


def _same(stored: Any, found: Any, tolerance: float) -> bool:
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in (stored, found)]
    if all(numbers) and tolerance:
        return math.isclose(stored, found, rel_tol=tolerance, abs_tol=tolerance * 1e-3)
    return bool(stored == found)


def _said(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]}…"


def _versions(stored: Mapping[str, str]) -> Iterator[str]:
    here = provenance.software()
    other = [
        f"{name} {version} (here {here.get(name, 'none')})"
        for name, version in stored.items()
        if here.get(name) != version
    ]
    if other:
        yield f"The report was computed with other software: {', '.join(other)}."
