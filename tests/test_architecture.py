"""The house stands as DESIGN says: plug-ins know no other plug-in, pages start without torch, names say something."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from attribution import plugins

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = [
    "attribution.networks",
    "attribution.methods",
    "attribution.visualizations",
    "attribution.diagnostics",
    "study.trials",
    "study.designs",
    "study.exclusions",
    "study.analysis",
    "study.protocols",
]
PLUGINS = [(folder, name) for folder in FOLDERS for name in plugins.names(folder)]
PAGES = """
import sys, django
django.setup()
from django.test import Client
from django.urls import get_resolver
get_resolver().url_patterns
Client().get("/")
Client().get("/dashboard/")
print(sorted(name for name in ("torch", "torchvision") if name in sys.modules))
"""


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


@pytest.mark.parametrize(("folder", "name"), PLUGINS)
def test_a_plugin_is_described_by_its_own_text(folder: str, name: str) -> None:
    plugin = plugins.describe(folder, name)
    assert plugin.title
    assert plugins.complete(folder, name, {}) == plugin.parameters
    assert callable(getattr(plugins.load(folder, name), plugins.verb(folder)))


@pytest.mark.parametrize(("folder", "name"), PLUGINS)
def test_a_plugin_imports_no_other_plugin(folder: str, name: str) -> None:
    found = imported(ROOT / folder.replace(".", "/") / f"{name}.py")
    assert not {f"{other}.{plugin}" for other, plugin in PLUGINS} & found


def test_pages_start_without_torch() -> None:
    command = [sys.executable, "-c", PAGES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_module_is_named_for_everything() -> None:
    vague = {"utils", "helpers", "common", "misc", "core", "base", "services"}
    named = [path for folder in ("attribution", "study", "bench", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert not [path for path in named if path.stem in vague]


def test_importing_a_plugin_that_is_not_in_the_folder_is_refused_with_what_there_is() -> None:
    with pytest.raises(plugins.PluginError, match=r"There is no “os” in methods; there are: "):
        plugins.load("attribution.methods", "os")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"nonsense": 1}, "has no parameter “nonsense”; it has: "),
        ({"reduction": 3}, "reduction = 3 should be a text, like its default"),
    ],
)
def test_parameters_are_checked_in_words(given: dict[str, object], words: str) -> None:
    with pytest.raises(plugins.PluginError, match=words):
        plugins.complete("attribution.methods", "gradient", given)


def test_a_file_added_to_a_folder_is_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "verbs_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text('VERB = "sing"\n')
    (package / "lullaby.py").write_text(
        '"""Sing softly.\n\nBrahms 1868.\n"""\n\nVERSION = 3\n\ndef sing(song, *, seed, loudness=0.1, verses=(1, 2)):\n'
        "    return song\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert plugins.names("verbs_of_a_test") == ["lullaby"]
    plugin = plugins.describe("verbs_of_a_test", "lullaby")
    assert (plugin.title, plugin.source, plugin.version) == ("Sing softly", "Brahms 1868.", 3)
    assert plugin.parameters == {"loudness": 0.1, "verses": (1, 2)}
    assert plugins.load("verbs_of_a_test", "lullaby").sing("la", seed=1) == "la"
