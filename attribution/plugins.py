"""Plug-ins: one file in a folder of verbs is one plug-in; listed and described without importing it.

A folder is a package whose ``__init__`` names its verb (``VERB = "attribute"``). A plug-in's name is its file's name,
the first line of its docstring its title, the rest says where it comes from, the verb's keyword-only arguments with
literal defaults are its parameters, and ``VERSION`` is raised when its result changes. A method or visualization that
does not take every kind of target says in ``EXPLAINS`` which it takes. Where the package's ``__init__`` declares
``SHARED``, every plug-in of the folder has those parameters besides its own.
"""

import ast
import difflib
import functools
import importlib
import importlib.util
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

EXPLAINS = ("class", "contrast", "unit")  # the kinds of attribution.targets.Target


class PluginError(ValueError):
    """A plug-in, or one of its parameters, is not what the folder holds; the message says what it does hold."""

    def __init__(self, words: str, parameter: str = "") -> None:
        super().__init__(words)
        self.parameter = parameter  # which one the message is about, if any


LONGEST_NAME = 100  # file systems refuse to look for names of over 255 bytes


@dataclass(frozen=True)
class Plugin:
    """What can be said of a plug-in without importing it."""

    folder: str
    name: str
    title: str
    source: str
    parameters: dict[str, Any]
    version: int
    passes: str = "GRADIENT"  # a formula of what it costs, see attribution.costs
    asks: tuple[str, ...] = ()  # what it has to be given besides: the verb's keyword arguments without a default
    explains: tuple[str, ...] = EXPLAINS


def names(folder: str) -> list[str]:
    """The plug-ins of the package ``folder`` (say "attribution.methods"), in alphabetical order."""
    return sorted(path.stem for path in _path(folder).glob("*.py") if not path.stem.startswith("_"))


def describe(folder: str, name: str) -> Plugin:
    """Title, source, parameters and version of a plug-in, read from its text."""
    path = _path(folder) / f"{name}.py"
    # Not by listing the folder, which costs far more than one file's facts: each arrival asks for every task's type.
    if not name.isidentifier() or len(name) > LONGEST_NAME or name.startswith("_") or not path.is_file():
        kind = folder.rpartition(".")[2]
        raise PluginError(f"There is no “{name}” in {kind}; there are: {', '.join(names(folder)) or 'none'}.")
    return _read(folder, name, path, path.stat().st_mtime_ns)


def load(folder: str, name: str) -> ModuleType:
    """Import a plug-in that is in the folder; no other name is ever imported."""
    describe(folder, name)
    return importlib.import_module(f"{folder}.{name}")


def complete(folder: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a plug-in: ``given`` checked against the declared ones, defaults filled in."""
    declared = describe(folder, name).parameters
    for parameter, value in given.items():
        if parameter not in declared:
            near = difflib.get_close_matches(parameter, declared, n=1)
            known = f"it has: {', '.join(declared) or 'none'}." + (f" Did you mean “{near[0]}”?" if near else "")
            raise PluginError(f"“{name}” has no parameter “{parameter}”; {known}", parameter)
        default = declared[parameter]
        if not _same_kind(value, default):
            words = f"{parameter} = {json.dumps(value, ensure_ascii=False, default=str)} should be {_kind(default)}"
            raise PluginError(f"“{name}”: {words}, like its default {json.dumps(default)}.", parameter)
    return {parameter: given.get(parameter, default) for parameter, default in declared.items()}


def verb(folder: str) -> str:
    """The name of the function that every plug-in of this folder has."""
    tree = ast.parse((_path(folder) / "__init__.py").read_text(encoding="utf-8"))
    value = _constant(tree, "VERB")
    if not isinstance(value, str):
        raise PluginError(f"{folder} names no VERB, so it is no folder of plug-ins.")
    return value


@functools.cache
def shared(folder: str) -> dict[str, Any]:
    """The parameters that every plug-in of the folder has besides its own."""
    found = _constant(ast.parse((_path(folder) / "__init__.py").read_text(encoding="utf-8")), "SHARED")
    return dict(found) if isinstance(found, dict) else {}


@functools.cache
def _path(folder: str) -> Path:
    # find_spec imports only the parent of the folder ("attribution"), never the folder itself: some of them need torch.
    spec = importlib.util.find_spec(folder)
    if spec is None or not spec.submodule_search_locations:
        raise PluginError(f"{folder} is not a folder of plug-ins.")
    return Path(spec.submodule_search_locations[0])


@functools.lru_cache(maxsize=512)
def _read(folder: str, name: str, path: Path, changed_ns: int) -> Plugin:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    title, _, source = (ast.get_docstring(tree) or "").partition("\n")
    if not title:
        raise PluginError(f"{path.name} has no docstring; its first line is the plug-in's title.")
    function = next(
        (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == verb(folder)), None
    )
    if function is None:
        raise PluginError(f"{path.name} has no function {verb(folder)}(), the verb of {folder}.")
    version, passes, explains = (_constant(tree, name) for name in ("VERSION", "PASSES", "EXPLAINS"))
    return Plugin(
        folder=folder,
        name=name,
        title=title.strip().rstrip("."),
        source=" ".join(source.split()),
        parameters=_parameters(function, path.name) | shared(folder),
        version=version if isinstance(version, int) else 1,
        passes=passes if isinstance(passes, str) else "GRADIENT",
        asks=tuple(
            argument.arg
            for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
            if default is None
        ),
        explains=explains if isinstance(explains, tuple) else EXPLAINS,
    )


def _parameters(function: ast.FunctionDef, file_name: str) -> dict[str, Any]:
    parameters = {}
    for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if default is None:  # such as seed: given by the caller, not a parameter
            continue
        try:
            parameters[argument.arg] = ast.literal_eval(default)
        except ValueError:
            raise PluginError(f"{file_name}: the default of {argument.arg} is not a literal.") from None
    return parameters


def _constant(tree: ast.Module, name: str) -> object:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return ast.literal_eval(node.value)
    return None


def _kind(default: object) -> str:
    """What a value like ``default`` is called."""
    called = ((bool, "true or false"), (int, "a whole number"), (float, "a number"), (str, "a text"))
    return next(
        (words for kind, words in called if isinstance(default, kind)),
        "a list" if isinstance(default, list | tuple) else "a table",
    )


def _same_kind(value: object, default: object) -> bool:
    if default is None or value is None:
        return default is None
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return isinstance(value, int | float) and math.isfinite(value) and (isinstance(default, float) or whole)
    if isinstance(default, list | tuple):
        return isinstance(value, list | tuple)
    return isinstance(value, type(default))
