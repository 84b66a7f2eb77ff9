"""What describes a bundle: README.md, a Data Package with every file's hash, Psych-DS's names, ``reproduce.py``.

Data Package 1 with Table Schemas (specs.frictionlessdata.io); Psych-DS 1 (psych-ds.github.io): its global metadata file
(schema.org's Dataset) and the tables once more in its folder data, named by keywords.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study import tables
from study.report_texts import FILES as MEANINGS

TYPES = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "time": "datetime"}
DATA = "data"
TIME = "%Y-%m-%dT%H:%M:%S%z"
ORIGINS: dict[str, Any] = {"required": True, "enum": ["person", "simulated", "imported"]}
PLACE: dict[str, dict[str, Any]] = {
    "participant": {"required": True},
    "position": {"required": True, "minimum": 0},
    "attempt": {"required": True, "minimum": 1},
}
PHASES = ["screening", "practice", "quiz", "training", "main", "repeat", "catch", "questionnaire"]
STATES = ["started", "completed", "screened_out", "failed_check", "withdrawn", "erased"]
CONSTRAINTS: dict[str, dict[str, dict[str, Any]]] = {
    "responses.csv": {
        **PLACE,
        "trial_type": {"required": True},
        "phase": {"required": True, "enum": PHASES},
        "response_ms": {"minimum": 0},
        "is_timed_out": {"required": True},
        "origin": ORIGINS,
    },
    "trials.csv": {**PLACE, "chance": {"minimum": 0, "maximum": 1}, "origin": ORIGINS},
    "participants.csv": {
        "participant": {"required": True, "unique": True},
        "state": {"required": True, "enum": STATES},
        "origin": ORIGINS,
    },
    "items.csv": {"item": {"required": True, "unique": True}},
    "maps.csv": {
        "item": {"required": True},
        "condition": {"required": True},
        "array": {"required": True, "unique": True},
        "origin": ORIGINS,
    },
    "codebook.csv": {"file": {"required": True}, "column": {"required": True}},
}
PRESENTATION = ["participant", "position", "attempt"]
PRIMARY_KEYS = {
    "responses.csv": PRESENTATION,
    "trials.csv": PRESENTATION,
    "participants.csv": ["participant"],
    "items.csv": ["item"],
    "maps.csv": ["item", "condition"],
}
FOREIGN_KEYS = {
    "responses.csv": [(["participant"], "participants", ["participant"]), (["item"], "items", ["item"])],
    "trials.csv": [(PRESENTATION, "responses", PRESENTATION)],
    "maps.csv": [(["item"], "items", ["item"])],
}
LIMITS = (("minimum", "minValue"), ("maximum", "maxValue"))  # ours, and what schema.org calls them
CODEBOOK = {
    "file": "the file",
    "column": "the column",
    "type": "string, integer, number, boolean (1 or 0) or time",
    "unit": "the unit, if there is one",
    "meaning": "what the column holds",
}
FORMATS = {
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "jsonld": "application/ld+json",
    "md": "text/markdown",
    "npz": "application/zip",
    "pdf": "application/pdf",
    "py": "text/x-python",
}
FILES = (
    *("responses.csv", "trials.csv", "participants.csv", "items.csv", "codebook.csv", "document.json", "plan.json"),
    *("results.json", "index.html", "report.pdf", "dataset_description.json", "reproduce.py", "README.md"),
    *("maps.csv", "maps.npz", "regions.jsonld", "regions.coco.json"),
)
REPRODUCE = '''"""Compute every number of this report again from the files beside this one.

    python reproduce.py          writes the numbers as JSON, as results.json has them
    python reproduce.py verify   compares them with results.json and index.html, and every file with its sha256;
                                 says which number differs and where, and ends with 1, if one does

It needs Python 3.11 or later and the package gander (version {version} wrote this), which brings pandas, scipy and
statsmodels; no database, no network.
"""

import sys
from pathlib import Path

from study.reproduction import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent))
'''


OF_REGIONS = (
    ("maps.csv", "the saliency maps against which marked regions are held: which array is whose"),
    ("maps.npz", "those arrays"),
    ("regions.jsonld", "what was marked, as W3C Web Annotation"),
    ("regions.coco.json", "what was marked, as COCO"),
)
README = """# {name}

{description}

| file | what it is |
|---|---|
{files}

`python reproduce.py verify` computes every number again from these files and says whether they are still as they were
written; it needs Python 3.11 or later and the package gander {version}.
"""


def write(folder: Path) -> list[Path]:
    """Write dataset_description.json, reproduce.py, data, README.md and last datapackage.json with every hash."""
    columns = tables.declared(folder)
    document = json.loads((folder / "document.json").read_text(encoding="utf-8"))
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    facts = _facts(document, results)
    described = folder / "dataset_description.json"
    described.write_text(_json(_dataset(columns, facts)), encoding="utf-8")
    script = folder / "reproduce.py"
    script.write_text(REPRODUCE.replace("{version}", results["software"]["gander"]), encoding="utf-8")
    linked = _named_for_psych_ds(folder, results["study"])
    readme = folder / "README.md"
    readme.write_text(_readme(folder, facts, results["software"]["gander"]), encoding="utf-8")
    package = folder / "datapackage.json"
    package.write_text(_json(_package(folder, columns, facts, results)), encoding="utf-8")
    return [described, script, readme, *linked, package]


def _named_for_psych_ds(folder: Path, study: str) -> list[Path]:
    """The tables as data/study-NAME_description-TABLE_data.csv: the same files where links are possible."""
    data = folder / DATA
    data.mkdir(exist_ok=True)
    for old in data.glob("study-*_data.csv"):
        old.unlink()
    named = []
    for name in PRIMARY_KEYS:
        if (folder / name).is_file():
            letters = re.sub("[^a-zA-Z0-9]", "", study)  # all that a keyword's value may hold
            named.append(data / f"study-{letters}_description-{Path(name).stem}_data.csv")
            try:
                os.link(folder / name, named[-1])
            except OSError:
                shutil.copyfile(folder / name, named[-1])
    return named


def _readme(folder: Path, facts: Mapping[str, str], version: str) -> str:
    files = "\n".join(
        f"| `{name}` | {meaning.replace('this page', 'the report')} |"
        for name, meaning in (("index.html", "the report"), *MEANINGS, *OF_REGIONS)
        if (folder / name).exists() or name in ("README.md", "datapackage.json")
    )
    return README.format(**facts, files=files, version=version)


def digest(path: Path) -> str:
    """The file's sha256, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _facts(document: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, str]:
    """Name and description, which begin with the word SIMULATED where no people answered."""
    mark = "SIMULATED: these answers were made by a program, not by people. " if results["simulated"] else ""
    title = _text(document.get("title")) or results["study"]
    question = _text(document.get("question"))
    return {
        "name": f"SIMULATED · {title}" if mark else title,
        "description": f"{mark}{question or title} Answers, one row a trial, and the report made of them.",
    }


def _text(text: Any) -> str:
    return str(text.get("en") or next(iter(text.values()), "")) if isinstance(text, Mapping) else str(text or "")


def _dataset(columns: Mapping[tuple[str, str], tables.Column], facts: Mapping[str, str]) -> dict[str, Any]:
    variables: dict[str, dict[str, Any]] = {}
    for (file, name), (_, unit, meaning) in columns.items():
        if file not in PRIMARY_KEYS or name in variables:
            continue
        variables[name] = {"@type": "PropertyValue", "name": name, "description": meaning}
        if unit:
            variables[name]["unitText"] = unit
        limits = CONSTRAINTS[file].get(name, {})
        variables[name] |= {ours: limits[key] for key, ours in LIMITS if key in limits}
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        **facts,
        "variableMeasured": list(variables.values()),
    }


def _package(
    folder: Path,
    columns: Mapping[tuple[str, str], tables.Column],
    facts: Mapping[str, str],
    results: Mapping[str, Any],
) -> dict[str, Any]:
    paths = [folder / name for name in FILES if (folder / name).is_file()]
    paths += sorted((folder / DATA).glob("study-*_data.csv"))
    return {
        "profile": "data-package",
        "name": results["study"],
        "title": facts["name"],
        "description": facts["description"],
        "version": str(results["version"]),
        "created": results["created_at"],
        "resources": [_resource(path, folder, columns) for path in paths],
    }


def _resource(path: Path, folder: Path, columns: Mapping[tuple[str, str], tables.Column]) -> dict[str, Any]:
    ending = path.suffix.removeprefix(".")
    is_table = ending == "csv" and path.parent == folder
    found: dict[str, Any] = {
        "name": path.stem.lower() if is_table else path.name.lower(),
        "path": path.relative_to(folder).as_posix(),
        "format": ending,
        "bytes": path.stat().st_size,
        "hash": f"sha256:{digest(path)}",
    }
    if not is_table:
        # Without a type, some readers take a JSON file for a description of data, not for a file.
        return {**found, "profile": "data-resource", "type": "file", "mediatype": FORMATS[ending]}
    return {
        **found,
        "profile": "tabular-data-resource",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": _schema(path.name, columns),
    }


def _schema(file: str, columns: Mapping[tuple[str, str], tables.Column]) -> dict[str, Any]:
    if file == "codebook.csv":
        fields = [_field(file, name, ("string", "", meaning)) for name, meaning in CODEBOOK.items()]
    else:
        fields = [_field(file, name, column) for (of, name), column in columns.items() if of == file]
    schema: dict[str, Any] = {"fields": fields, "missingValues": [""]}
    if file in PRIMARY_KEYS:
        schema["primaryKey"] = PRIMARY_KEYS[file]
    if file in FOREIGN_KEYS:
        schema["foreignKeys"] = [
            {"fields": ours, "reference": {"resource": resource, "fields": theirs}}
            for ours, resource, theirs in FOREIGN_KEYS[file]
        ]
    return schema


def _field(file: str, name: str, column: tables.Column) -> dict[str, Any]:
    kind, unit, meaning = column
    field: dict[str, Any] = {"name": name, "type": TYPES[kind], "description": meaning}
    if unit:
        field["unit"] = unit
    if kind == "boolean":
        field |= {"trueValues": ["1"], "falseValues": ["0"]}
    if kind == "time":
        field["format"] = TIME
    if limits := CONSTRAINTS.get(file, {}).get(name):
        field["constraints"] = limits
    return field
