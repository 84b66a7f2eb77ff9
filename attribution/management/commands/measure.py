"""Measure networks with diagnostics: workers compute the rows, and each table is written as CSV."""

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from attribution import plugins
from attribution.management.commands.compute import chosen, settings_of
from attribution.management.waiting import reread, see_through
from attribution.models import Image, Measurement, Network
from attribution.spreadsheets import neutralised


class Command(BaseCommand):
    help = (
        "Measure a network with diagnostics, on images with their labels, boxes and masks, and write each table as a "
        "CSV file. What is measured already is not measured again. Workers do the work; where none is running, it is "
        "done here."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--network", required=True, help="the name of a network that was added")
        parser.add_argument(
            "--diagnostics", required=True, help=f"of {', '.join(plugins.names('attribution.diagnostics'))}"
        )
        parser.add_argument("--images", default="*", metavar="GLOB", help="which images, by name (default: all)")
        parser.add_argument("--beside", default="", metavar="NAMES", help="networks that are measured as well: a,b")
        parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where DIAGNOSTIC.csv is written")
        parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn at random (default: 0)")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="DIAGNOSTIC.PARAMETER=VALUE",
            help="a parameter, its value as JSON, such as linearity.samples=64",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            network, images = chosen(options["network"], options["images"])
            names = [name for name in options["diagnostics"].split(",") if name]
            parameters = settings_of(options["set"], {"diagnostics": names})
            beside = [chosen(name, "*")[0] for name in options["beside"].split(",") if name]
            rows = Measurement.order(
                [
                    Measurement(
                        plugin=name,
                        parameters=parameters.get(name, {}),
                        seed=options["seed"],
                        network=network,
                        image_hashes=[image.content_hash for image in images],
                        subject=subject(network, images, beside),
                    )
                    for name in names
                ]
            )
            see_through(rows, unit="measured", is_quiet=options["verbosity"] == 0)
            options["out"].mkdir(parents=True, exist_ok=True)
            for row in reread(rows):
                path = options["out"] / f"{row.plugin}.csv"
                write_table(path, row.table)
                self.stdout.write(f"{row.title}: {len(row.table)} rows in {path}.")
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error


def subject(network: Network, images: list[Image], beside: list[Network]) -> dict[str, Any]:
    """What a measurement is about, by content: the images' labels, boxes and masks, and the networks beside."""
    masks = [image.mask_hash for image in images]
    return {
        "labels": [network.class_of(image) for image in images],
        "boxes": [image.boxes for image in images],
        **({"masks": masks} if any(masks) else {}),
        **({"networks": Network.fingerprints(beside)} if beside else {}),
    }


def write_table(path: Path, table: list[dict[str, Any]]) -> None:
    """Rows as CSV in UTF-8 with every column that any of them has, in the order of their first coming.

    Names of files and classes come from outside: a spreadsheet takes none of them for a formula.
    """
    columns = list(dict.fromkeys(column for row in table for column in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        for row in table:
            writer.writerow({name: neutralised(one) if isinstance(one, str) else one for name, one in row.items()})
