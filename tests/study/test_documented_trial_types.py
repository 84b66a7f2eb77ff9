"""docs/trial_types.md lists what is in the folder: every type, what it asks, its options with their defaults."""

import re
from pathlib import Path

from attribution import plugins
from study import trial_types, trials
from study.trials import SHARED

PAGE = (Path(__file__).parents[2] / "docs" / "trial_types.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def rows(section):
    cells = [line.strip("| ").split(" | ") for line in SECTIONS[section].splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def shown(value):
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{one}"' for one in value) + "]"
    return {str: f'"{value}"', type(None): "none", bool: str(value).lower()}.get(type(value), str(value))


def test_every_type_is_listed_with_what_it_asks_its_options_and_its_keys_and_nothing_else_is():
    listed = rows("Types")
    assert sorted(listed) == plugins.names("study.trials")
    for name, cells in listed.items():
        plugin = plugins.describe("study.trials", name)
        own = {option: value for option, value in plugin.parameters.items() if option not in SHARED}
        options = ", ".join(f"`{option} = {shown(value)}`" for option, value in own.items())
        assert cells == [plugin.title, options, trial_types.load(name).own.KEYBOARD], name


def test_the_options_of_every_type_are_listed_with_their_defaults():
    listed = rows("Options of every type")
    assert {option: cells[0] for option, cells in listed.items()} == {
        option: f"`{shown(value)}`" for option, value in SHARED.items()
    }
    assert all(f'"{display}"' in listed["display"][1] for display in trials.DISPLAYS)
