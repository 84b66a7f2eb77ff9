"""``add_study FILE.toml`` or ``add_study --protocol NAME --network NAME``: a study, checked, stored and prepared."""

import tomllib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from attribution import plugins
from attribution.models import Network
from study import document_files, launching, preparation
from study.models import Study

PROTOCOLS = "study.protocols"
FEW_CLASSES = 12  # so many can all be shown; of more, somebody has to choose


class Command(BaseCommand):
    help = "Add a study from a file, or from a protocol that needs only names; prepare it for its launch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE.toml", help="a study document")
        parser.add_argument("--protocol", help=f"a ready-made study: {', '.join(plugins.names(PROTOCOLS))}")
        parser.add_argument("--network", help="the stored network that the protocol is about")
        parser.add_argument("--slug", help="what the study is called in addresses and commands")
        parser.add_argument("--classes", help="the protocol's classes, such as goose,lemon,dumbbell")
        parser.add_argument(
            "--images", help="names of the protocol's images, such as 'imagenet_*'; several with commas"
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="another parameter of the protocol, such as per_class=2; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["file"]) == bool(options["protocol"]):
            raise CommandError("Name either a study file or a --protocol.")
        text = self._text(options) if options["file"] else None
        try:
            document = self._from_protocol(options) if text is None else document_files.read(text)
            study = preparation.add(document)
        except (preparation.DocumentError, plugins.PluginError) as error:
            problems = getattr(error, "problems", [str(error)])
            raise CommandError(self._located(options, text, problems)) from error
        if study.state == Study.State.DRAFT:
            preparation.prepare(study)
            study.refresh_from_db()
        for warning in launching.warnings(study):
            self.stderr.write(f"Note: {warning}")
        if study.state == Study.State.DRAFT:
            problems = self._located(options, text, study.problem.splitlines())
            raise CommandError(f"{study} is stored, but cannot be prepared:\n{problems}")
        found = preparation.progress(study)
        self.stdout.write(f"{study} is {study.state}: {found['done']} of {found['total']} computed so far.")
        for sentence in preparation.diff(study):
            self.stdout.write(f"  {sentence}")
        if not study.is_frozen:
            self.stdout.write(f"Next: launch {study.slug} --wait")

    def _located(self, options: dict[str, Any], text: str | None, problems: list[str]) -> str:
        """The problems, each with the file and the line that it is in, where the study is from a file."""
        if text is None:
            return "\n".join(problems)
        lined = [one if one.startswith("line ") else document_files.located(text, [one])[0] for one in problems]
        return "\n".join(f"{options['file']}: {one}" for one in lined)

    def _text(self, options: dict[str, Any]) -> str:
        given = [name for name in ("network", "slug", "classes", "images") if options[name]] + options["set"]
        if given:
            raise CommandError(f"{given[0]} belongs to a --protocol; a file says all of it itself.")
        try:
            return str(options["file"].read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{options['file']} is not UTF-8 text; a study file is TOML.") from error

    def _from_protocol(self, options: dict[str, Any]) -> dict[str, Any]:
        name = options["protocol"]
        declared = plugins.describe(PROTOCOLS, name).parameters
        given = {key: options[key] for key in ("network", "slug") if options[key]}
        given |= {key: options[key].split(",") for key in ("classes", "images") if options[key]}
        for assignment in options["set"]:
            given |= _value(assignment)
        if "network" in declared and "network" not in given:
            known = ", ".join(Network.objects.values_list("name", flat=True)) or "none yet; add_network stores one"
            raise CommandError(f"Name the --network; there are: {known}.")
        if "classes" in declared and not given.get("classes"):
            given["classes"] = _all_classes(given["network"])
        parameters = plugins.complete(PROTOCOLS, name, given)
        document: dict[str, Any] = plugins.load(PROTOCOLS, name).document(**parameters)
        return document


def _value(assignment: str) -> dict[str, Any]:
    """NAME=VALUE, the value as TOML has it or, where it is none, as a text."""
    name, equals, value = assignment.partition("=")
    if not equals:
        raise CommandError(f"--set {assignment} should be NAME=VALUE, such as per_class=2.")
    try:
        return {name.strip(): tomllib.loads(f"value = {value}")["value"]}
    except tomllib.TOMLDecodeError:
        return {name.strip(): value.strip()}


def _all_classes(network: str) -> list[str]:
    labels = Network.objects.filter(name=network).values_list("labels", flat=True).first() or []
    if len(labels) > FEW_CLASSES:
        raise CommandError(f"{network} knows {len(labels)} classes; name some: --classes {labels[0]},{labels[1]},…")
    return list(labels)
