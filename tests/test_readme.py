"""What the README says is so: its commands exist and take its arguments, its folders are there."""

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line.partition("manage.py ")[2])
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if "manage.py " in line
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_of_the_readme_exists_and_takes_its_arguments(words: list[str]) -> None:
    name, *arguments = words
    application = get_commands()[name]
    command = load_command_class(application, name) if isinstance(application, str) else application
    command.create_parser("manage.py", name).parse_args(arguments)


def test_every_make_target_that_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in map("".join, re.findall(r"`make ([\w-]+)|^make ([\w-]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_folder_and_picture_that_the_readme_names_is_there() -> None:
    rows = [row for row in README.splitlines() if row.startswith("| `")]
    assert rows
    for row in rows:
        parent = ""
        for folder in re.findall(r"`([\w/]+/)`", row.split("|")[1]):
            path = ROOT / folder if (ROOT / folder).is_dir() else ROOT / parent / folder
            assert path.is_dir(), folder
            parent = parent or folder.split("/")[0]
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).is_file(), picture


def test_the_readme_names_only_bench_sections_that_exist() -> None:
    (sections,) = re.findall(r"ONLY=([\w|]+)", README)
    assert set(sections.split("|")) <= {path.stem for path in (ROOT / "bench").glob("*.py")}
