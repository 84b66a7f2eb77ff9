"""``report SLUG --out FOLDER``: the report and its bundle in one folder."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study import report_pdf, reports
from study.management.naming import named


class Command(BaseCommand):
    help = "Analyse a study's answers and write the report and its data into one folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study's name")
        parser.add_argument("--study-version", type=int, dest="number", help="which version; otherwise the newest")
        parser.add_argument("--pdf", action="store_true", help="also report.pdf (needs the extra pdf, and Pango)")
        parser.add_argument("--out", type=Path, required=True, help="the folder; made if it is not there")

    def handle(self, *args: Any, **options: Any) -> None:
        study = named(options["slug"], options["number"])
        out: Path = options["out"]
        if out.exists() and not out.is_dir():
            raise CommandError(f"{out} is a file; --out should name a folder.")
        try:
            report = reports.write(study, out, with_pdf=options["pdf"])
        except report_pdf.PdfError as error:
            raise CommandError(str(error)) from error
        except (ValueError, OSError) as error:
            raise CommandError(f"The report on {study} cannot be written: {error}") from error
        if report.is_simulated:
            self.stdout.write("SIMULATED: these answers were made by a program, not by people.")
        for finding in report.results["findings"]:
            self.stdout.write(finding["sentence"])
        self.stdout.write(f"The report is {out / 'index.html'}.")
