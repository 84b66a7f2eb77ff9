"""Add a network: a checkpoint is read as what it is said to be, tried, and stored without any code."""

import json
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from attribution import plugins
from attribution.computing import add_network


class Command(BaseCommand):
    help = (
        "Add a network from a checkpoint (.safetensors, or .pth with a plain state dict; code in it is never run). "
        "Without --weights, or with DEFAULT, torchvision's own weights are taken, which needs the internet."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="how the network is called from now on: letters, digits, hyphens, underscores")
        parser.add_argument(
            "--architecture", help="such as squeezenet1_1 or resnet18; the plug-in torchvision needs it"
        )
        parser.add_argument("--weights", default="DEFAULT", help="a checkpoint file, or DEFAULT (the default)")
        parser.add_argument("--labels", type=Path, help="class names in the order of the outputs: a line each, or JSON")
        parser.add_argument(
            "--plugin",
            default="torchvision",
            choices=plugins.names("attribution.networks"),
            help="how the checkpoint is loaded (default: torchvision)",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="PARAMETER=VALUE",
            help="another parameter of the plug-in, its value as JSON; may be repeated",
        )
        parser.add_argument("--source", default="", help="where the weights come from, under which licence")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            parameters = dict(map(assignment, options["set"]))
            if options["architecture"]:
                parameters["architecture"] = options["architecture"]
            with TemporaryDirectory() as folder:
                network, is_new = add_network(
                    options["name"],
                    plugin=options["plugin"],
                    parameters=parameters,
                    checkpoint=str(checkpoint(options["weights"], options["plugin"], options["architecture"], folder)),
                    labels=read_labels(options["labels"]) if options["labels"] else None,
                    source=options["source"],
                )
        except (ValueError, OSError) as error:
            raise CommandError(f"Nothing was added. {error}") from error
        if not is_new:
            self.stdout.write(f"The network {network} is there already, with the same weights; nothing was added.")
            return
        self.stdout.write(
            f"Added the network {network}: {network.architecture}, {network.parameter_count:,} parameters, "
            f"{len(network.labels)} classes, sees {network.view_size} x {network.view_size} pixels."
        )


def assignment(text: str) -> tuple[str, Any]:
    """ "steps=50" -> ("steps", 50): the value as JSON, or as text where it is none."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(f"“{text}” should be like steps=50.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def read_labels(path: Path) -> list[str]:
    """Class names from a text file with one a line, or from a JSON list; raises ValueError naming the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        names = json.loads(text) if path.suffix.lower() == ".json" else text.rstrip().splitlines()
    except FileNotFoundError as error:
        raise ValueError(f"There is no file {path}.") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} should be UTF-8 text with one class name a line, or a JSON list: {error}.") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{path} should hold a list of class names.")
    for number, name in enumerate(names, start=1):
        if not name.strip():
            raise ValueError(f"{path}, line {number} is empty; every class needs a name.")
    return [name.strip() for name in names]


def checkpoint(weights: str, plugin: str, architecture: str | None, folder: str) -> Path:
    """The checkpoint file ``weights``, or the plug-in's own weights, fetched into ``folder``."""
    if weights != "DEFAULT":
        if not Path(weights).is_file():
            raise ValueError(f"There is no file {weights}; --weights takes a checkpoint file or DEFAULT.")
        return Path(weights)
    module = plugins.load("attribution.networks", plugin)
    if not hasattr(module, "download"):
        raise ValueError(f"The plug-in {plugin} has no weights of its own; name a file with --weights.")
    if not architecture:
        raise ValueError("Whose weights? Name an architecture, such as --architecture squeezenet1_1.")
    fetched: Path = module.download(architecture, folder)
    return fetched
