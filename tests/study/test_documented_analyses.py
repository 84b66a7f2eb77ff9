"""docs/analyses.md lists what is in the folders: every name, its question, its parameters with their defaults."""

import ast
import re
from pathlib import Path

import pytest

from attribution import plugins

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "analyses.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def rows(section):
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in SECTIONS[section].splitlines()
        if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in cells}


def shown(value):
    return {str: f'"{value}"', type(None): "none", tuple: "[]"}.get(type(value), str(value))


@pytest.mark.parametrize(
    ("section", "folder", "columns"), [("Analyses", "study.analysis", 4), ("Exclusions", "study.exclusions", 3)]
)
def test_every_plug_in_is_listed_with_its_question_and_parameters_and_nothing_else_is(section, folder, columns):
    listed = rows(section)
    assert sorted(listed) == sorted(plugins.names(folder))
    for name, cells in listed.items():
        plugin = plugins.describe(folder, name)
        assert cells[0] == plugin.title
        parameters = ", ".join(f"`{key} = {shown(value)}`" for key, value in plugin.parameters.items())
        assert cells[1] == (parameters or "none"), name
        assert len(cells) == columns
        assert all(cells), name


def test_every_supplement_is_listed_and_nothing_else_is():
    folder = ROOT / "study" / "supplements"
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    called = {call.func.id for call in ast.walk(tree) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}
    assert set(rows("Supplements")) == called & {path.stem for path in folder.glob("*.py")}
