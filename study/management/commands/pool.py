"""``pool RESULTS.json ... --out FOLDER``: the primary effects of several studies as one."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study import pooled
from study.pooled import PoolingRefusedError


class Command(BaseCommand):
    help = "Pool the primary effects of several studies' results.json: forest plot, prediction interval, sentence."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("results", type=Path, nargs="+", metavar="RESULTS.json", help="of each study's report")
        parser.add_argument("--out", type=Path, required=True, help="the folder; made if it is not there")
        parser.add_argument("--term", default="", metavar="'A − B'", help="the comparison; otherwise each one's first")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            studies = [pooled.read(path, options["term"].replace(" - ", " − ")) for path in options["results"]]
            found = pooled.pooled(studies)
            paths = pooled.write(studies, found, options["out"])
        except PoolingRefusedError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The results cannot be written: {error}") from error
        self.stdout.write(pooled.sentence(studies, found))
        self.stdout.write(f"Table and forest plot: {', '.join(map(str, paths))}.")
