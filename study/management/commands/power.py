"""``power SLUG``: how many participants and items the study needs, by simulation of its own design."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from attribution.leases import Lease
from attribution.models import State, Worker
from study import power
from study.management.naming import named
from study.models import PowerAnalysis
from study.power_plan import PowerError
from study.supplements.primary import VALUES

POLL_SECONDS = 1.0


def whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ArgumentTypeError(f"“{text}” should be whole numbers with commas between them, such as 20,40.") from error


def assignment(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError as error:
        raise ArgumentTypeError(f"“{text}” should be a name, = and a number, such as trained=60.") from error


class Command(BaseCommand):
    help = "Simulate a study's own design over participants x items: power, its interval, cost, and the items' ceiling."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study, its newest version")
        parser.add_argument("--out", type=Path, help="a folder for power.json, power.csv and power.svg")
        parser.add_argument("--participants", type=whole_numbers, metavar="N,N", help="recruited (20,40,80,160,320)")
        parser.add_argument("--items", type=whole_numbers, metavar="N,N", help="(half, as many, 2 and 4 times its own)")
        parser.add_argument("--effect", type=float, metavar="X", help="percentage points, or points of the scale")
        parser.add_argument(
            "--mean", type=assignment, action="append", default=[], metavar="CONDITION=X", help="its mean"
        )
        parser.add_argument(
            "--sd", type=assignment, action="append", default=[], metavar="NAME=X", help="such as item_sd=1"
        )
        parser.add_argument("--like", metavar="SLUG", help="assume the means and SDs of this study's answers")
        parser.add_argument("--margin", type=float, metavar="X", help="of equivalence, in points")
        parser.add_argument("--simulations", type=int, default=1000, metavar="N", help="of each cell, at most (1000)")
        parser.add_argument("--target", type=float, default=0.8, metavar="X", help="the power that is wanted (0.8)")
        parser.add_argument("--dropout", type=float, default=0.1, metavar="X", help="share who do not finish (0.1)")
        parser.add_argument("--careless", type=float, default=0.02, metavar="X", help="share who guess at all (0.02)")
        parser.add_argument("--cost", type=float, default=0.0, metavar="X", help="of a recruited participant")
        parser.add_argument("--seed", type=int, default=0, metavar="S", help="the same seed gives the same numbers (0)")
        parser.add_argument("--no-early-stop", action="store_true", help="simulate certain cells to the end, too")

    def handle(self, *args: Any, **options: Any) -> None:
        study = named(options["slug"])
        unit = 0.01 if VALUES.get(study.document["analysis"]["primary"]) == "correct" else 1.0
        points = {name: options[name] * unit for name in ("effect", "margin") if options[name] is not None}
        passed = ("simulations", "target", "dropout", "careless", "cost", "seed", "participants", "items")
        try:
            row = power.ask(
                study,
                like=named(options["like"]) if options["like"] else None,
                means={name: mean * unit for name, mean in options["mean"]},
                spread=dict(options["sd"]),
                early=not options["no_early_stop"],
                **points,
                **{name: options[name] for name in passed if options[name] is not None},
            )
        except PowerError as error:
            raise CommandError(str(error)) from error
        self._wait(row)
        for sentence in row.results["verdict"]["sentences"] + row.results["assumptions"]:
            self.stdout.write(sentence)
        if options["out"]:
            try:
                paths = power.write(row.results, options["out"])
            except OSError as error:
                raise CommandError(f"The results cannot be written: {error}") from error
            self.stdout.write(f"The table and the curve are {', '.join(map(str, paths))}.")

    def _wait(self, row: PowerAnalysis) -> None:
        """Until it is done: by a worker, or here where there is none; what was finished before is not done again."""
        with tqdm(total=100, unit="%", desc="Simulating", disable=None, bar_format="{l_bar}{bar}| {elapsed}") as bar:

            def show(fraction: float) -> None:
                bar.n = round(100 * fraction)
                bar.refresh()

            while row.is_unfinished:
                if not Worker.objects.alive().exists():
                    PowerAnalysis.objects.all().give_up()
                    with Lease(PowerAnalysis, [row.pk]) as lease:
                        for mine in lease.rows:
                            power.simulate(lease, mine, show)
                row.refresh_from_db()
                if row.is_unfinished:  # held by a worker, or by one that died until its lease is over
                    show(row.progress)
                    time.sleep(POLL_SECONDS)
                    row.refresh_from_db()
        if row.state == State.FAILED:
            raise CommandError(f"The power of {row.study} could not be computed: {row.error}")
