"""``import_responses FILE --mapping MAP.toml --study SLUG``: other people's answers become a study."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study import frames, imports
from study.import_mapping import ImportRefusedError
from study.import_rows import flagged


class Command(BaseCommand):
    help = "Make a study of a table of responses; the mapping says what its columns mean (docs/import_responses.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the responses: a CSV, TSV or semicolon-separated file in UTF-8")
        parser.add_argument("--mapping", type=Path, required=True, help="a TOML file that says what its columns mean")
        parser.add_argument("--study", required=True, help="the new study's name")

    def handle(self, *args: Any, **options: Any) -> None:
        for path in (options["file"], options["mapping"]):
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
        try:
            study = imports.import_responses(options["file"], options["mapping"], options["study"])
        except ImportRefusedError as error:
            raise CommandError("Nothing was imported.\n" + "\n".join(error.problems)) from error
        _, _, counts = frames.answers(study)
        people = counts["participants"]
        asked = f"{people['imported']} participant{'' if people['imported'] == 1 else 's'}"
        excluded = f"{people['excluded']} participant{' is' if people['excluded'] == 1 else 's are'} excluded"
        self.stdout.write(
            f"Imported {counts['responses']['imported']} responses of {asked} as “{study.slug}”; {excluded}, "
            f"{people['analysed']} analysed."
        )
        for name, count in study.document["import"]["flags"].items():
            self.stdout.write(flagged(name, count))
        self.stdout.write(f"Next: manage.py report {study.slug} --out FOLDER")
