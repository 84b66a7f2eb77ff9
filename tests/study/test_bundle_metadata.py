"""The bundle's descriptions are valid and true: checked by a plain reading of the published rules."""

import csv
import hashlib
import json
import re
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from study import reports, reproduction
from tests.study.answered_study import CONDITIONS, PHOTO, answered_study

pytestmark = pytest.mark.django_db
READ = {
    "string": lambda cell, _: cell,
    "integer": lambda cell, _: int(cell),
    "number": lambda cell, _: float(cell),
    "boolean": lambda cell, field: {
        **dict.fromkeys(field["trueValues"], True),
        **dict.fromkeys(field["falseValues"], False),
    }[cell],
    "datetime": lambda cell, field: datetime.strptime(cell, field["format"]),
}


def problems(folder):
    """What in a Data Package breaks the rules of specs.frictionlessdata.io, read cell by cell."""
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    found = []
    if not re.fullmatch(r"[-a-z0-9._/]+", package["name"]):
        found.append("package: name")
    datetime.fromisoformat(package["created"])
    tables = {}
    for resource in package["resources"]:
        data = (folder / resource["path"]).read_bytes()
        if not re.fullmatch(r"[-a-z0-9._/]+", resource["name"]):
            found.append(f"{resource['path']}: name")
        if resource["bytes"] != len(data) or resource["hash"] != f"sha256:{hashlib.sha256(data).hexdigest()}":
            found.append(f"{resource['path']}: size or hash")
        if resource["profile"] == "tabular-data-resource":
            tables[resource["name"]] = resource, _rows(folder / resource["path"], resource, found)
    for name, (resource, rows) in tables.items():
        schema = resource["schema"]
        key = schema.get("primaryKey", [])
        values = [tuple(row[part] for part in key) for row in rows]
        if key and (len(set(values)) != len(values) or any(None in value for value in values)):
            found.append(f"{name}: primary key")
        for foreign in schema.get("foreignKeys", []):
            other = foreign["reference"]
            known = {tuple(row[part] for part in other["fields"]) for row in tables[other["resource"]][1]}
            for row in rows:
                value = tuple(row[part] for part in foreign["fields"])
                if None not in value and value not in known:
                    found.append(f"{name}: {value} is not in {other['resource']}")
    return found


def _rows(path, resource, found):
    schema = resource["schema"]
    with path.open(encoding=resource["encoding"], newline="") as file:
        header, *lines = csv.reader(file, delimiter=resource["dialect"]["delimiter"])
    if header != [field["name"] for field in schema["fields"]]:
        found.append(f"{path.name}: columns")
    rows = []
    for line in lines:
        row = {}
        for field, cell in zip(schema["fields"], line, strict=True):
            where, limits = f"{path.name}, {field['name']}", field.get("constraints", {})
            row[field["name"]] = None
            if cell in schema["missingValues"]:
                if limits.get("required"):
                    found.append(f"{where}: missing")
                continue
            try:
                value = row[field["name"]] = READ[field["type"]](cell, field)
            except (ValueError, KeyError):
                found.append(f"{where}: {cell!r} is no {field['type']}")
                continue
            if "enum" in limits and value not in limits["enum"]:
                found.append(f"{where}: {value!r} is not allowed")
            if not limits.get("minimum", value) <= value <= limits.get("maximum", value):
                found.append(f"{where}: {value!r} is out of range")
        rows.append(row)
    for field in schema["fields"]:
        values = [row[field["name"]] for row in rows]
        if field.get("constraints", {}).get("unique") and len(set(values)) != len(values):
            found.append(f"{path.name}, {field['name']}: not unique")
    return rows


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Where the first test that needs it writes a bundle, which nobody changes."""
    return tmp_path_factory.mktemp("written")


@pytest.fixture
def bundle(written, tmp_path, db):
    if not (written / "datapackage.json").exists():
        rules = [{"rule": "participants", "parameters": {"named": ["0000"], "reason": "=1+1, “asked” us\nto."}}]
        study = answered_study(participants=3, exclusions=rules, conditions=(*CONDITIONS, PHOTO))
        reports.write(study, written)
    return Path(shutil.copytree(written, tmp_path / "bundle"))


def test_the_data_package_is_valid_and_describes_every_file(bundle):
    assert problems(bundle) == []
    package = json.loads((bundle / "datapackage.json").read_text())
    described = {resource["path"] for resource in package["resources"]}
    files = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert described == files - {"datapackage.json"}
    responses = next(one for one in package["resources"] if one["name"] == "responses")["schema"]
    assert {key["reference"]["resource"] for key in responses["foreignKeys"]} == {"participants", "items"}
    types = {field["name"]: field["type"] for field in responses["fields"]}
    assert types["correct"] == "boolean"
    assert types["position"] == "integer"
    assert types["response_ms"] == "number"


@pytest.mark.parametrize(
    ("file", "was", "becomes", "problem"),
    [
        ("responses.csv", ",main,", ",break,", "phase: 'break' is not allowed"),
        ("responses.csv", "\r\n0001,", "\r\nnobody,", "is not in participants"),
        ("responses.csv", ",goose,", ",swan,", "is not in items"),
        ("responses.csv", ",main,0,1,", ",main,-1,1,", "position: -1 is out of range"),
        ("participants.csv", "+00:00", "", "is no datetime"),
        ("participants.csv", "\r\n0001,", "\r\n0002,", "primary key"),
        ("items.csv", "goose", "duck", "is not in items"),
    ],
)
def test_the_check_of_the_package_sees_what_breaks_it(bundle, file, was, becomes, problem):
    path = bundle / file
    text = path.read_bytes().decode()
    assert was in text
    path.write_bytes(text.replace(was, becomes, 1).encode())
    found = problems(bundle)
    assert f"{file}: size or hash" in found
    assert any(problem in one for one in found)


def test_the_psych_ds_description_has_what_psych_ds_requires(bundle):
    found = json.loads((bundle / "dataset_description.json").read_text())
    assert found["@context"] == "https://schema.org/"
    assert found["@type"] == "Dataset"
    assert found["name"] == "Do class models make sense?"
    assert found["description"].startswith("Can people recognise which class a class model shows?")
    assert {one["@type"] for one in found["variableMeasured"]} == {"PropertyValue"}
    names = [one["name"] for one in found["variableMeasured"]]
    assert len(set(names)) == len(names)
    for name in ("responses.csv", "trials.csv", "participants.csv", "items.csv"):
        with (bundle / name).open(newline="") as file:
            assert set(next(csv.reader(file))) <= set(names)
    assert next(one for one in found["variableMeasured"] if one["name"] == "response_ms")["unitText"] == "ms"


def test_the_folder_has_the_names_and_columns_that_psych_ds_requires(bundle):
    found = json.loads((bundle / "dataset_description.json").read_text())
    named = {one["name"] for one in found["variableMeasured"]}
    files = sorted(path.name for path in (bundle / "data").iterdir())
    assert files == [
        f"study-geese_description-{table}_data.csv" for table in ("items", "participants", "responses", "trials")
    ]
    columns = set()
    for name in files:
        assert re.fullmatch(r"([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.csv", name)
        with (bundle / "data" / name).open(newline="") as file:
            columns |= set(next(csv.reader(file)))
    assert columns == named


def test_a_digit_changed_in_a_table_for_psych_ds_is_found_too(bundle):
    path = bundle / "data" / "study-geese_description-responses_data.csv"
    text = path.read_text()
    path.unlink()  # it may be the same file as responses.csv
    path.write_text(text.replace(",main,", ",maim,", 1))
    assert any(path.name in problem for problem in reproduction.verify(bundle))


def test_the_readme_names_every_file_and_how_to_check_them(bundle, tmp_path):
    text = (bundle / "README.md").read_text()
    assert text.startswith("# Do class models make sense?\n")
    for path in bundle.iterdir():
        assert f"| `{path.name}` |" in text
    assert "report.pdf" not in text
    assert "`python reproduce.py verify`" in text


def test_descriptions_of_simulated_answers_say_so_first(tmp_path):
    reports.write(answered_study(participants=2, origin="simulated"), tmp_path)
    for name in ("dataset_description.json", "datapackage.json"):
        found = json.loads((tmp_path / name).read_text())
        assert found["description"].startswith("SIMULATED: these answers were made by a program")
        assert (found.get("title") or found["name"]).startswith("SIMULATED")


def test_a_file_that_is_not_the_reports_is_not_described(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    reports.write(answered_study(participants=1), tmp_path)
    assert "notes.txt" not in (tmp_path / "datapackage.json").read_text()
