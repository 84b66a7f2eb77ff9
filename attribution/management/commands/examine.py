"""Put the critique's questions to a network, and write one illustrated page of answers."""

import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from attribution import computing, images
from attribution.costs import duration
from attribution.examination.choosing import choose, class_to_show, shown_first
from attribution.examination.ordering import order_first, order_second, passes
from attribution.examination.page import write
from attribution.examination.plan import LEVELS, Plan
from attribution.examination.results import Results
from attribution.management.commands.compute import chosen
from attribution.management.waiting import WorkFailedError, reread, see_through
from attribution.models import Image, Measurement, Network, State, Work

FIXTURES = Path(settings.BASE_DIR) / "fixtures" / "demo"
ARMS = ("one", "many")
POOL = 400  # images at most, where one costs hardly more than a forward pass


class Command(BaseCommand):
    help = (
        "Examine a network: everything that the critique of Simonyan et al. (2013) asks, computed, and written as one "
        "page with pictures, numbers and their uncertainty. Stopped and begun again, it goes on where it was. "
        "Workers do the work; where none is running, it is done here."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--network", required=True, help="the name of a network that was added")
        parser.add_argument("--images", default="*", metavar="GLOB", help="which images, by name (default: all)")
        parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where index.html is written")
        parser.add_argument(
            "--budget",
            choices=list(LEVELS),
            default="standard",
            help="how much is computed: "
            + "; ".join(
                f"{name} {level.images} images, {level.steps} steps an ascent" for name, level in LEVELS.items()
            ),
        )
        parser.add_argument("--class", dest="index", default="", help="which class is visualized, by name or number")
        parser.add_argument(
            "--beside",
            default="",
            metavar="NAMES",
            help="networks whose accuracy and localisation stand beside it: a,b; the first also judges its images",
        )
        parser.add_argument(
            "--arms",
            nargs="+",
            default=[],
            metavar="ARM=NAMES",
            help="networks that were trained on one instance an image and on many: one=a,b,c many=d,e,f (default, for "
            "a network of the scenes: those that come with Gander)",
        )
        parser.add_argument("--toward", default="", help="which class an image of the visualized one is edited toward")
        parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn at random (default: 0)")
        parser.add_argument("--estimate", action="store_true", help="only say how long it would take")

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_quiet = options["verbosity"] == 0
        try:
            options["out"].mkdir(parents=True, exist_ok=True)
            network, there = chosen(options["network"], options["images"])
            if not there:
                raise ValueError("There are no images to examine it on; add some with add_images.")
            plan = self.planned(network, there, options)
            order_first(plan)
            self.estimate(plan)
            if options["estimate"]:
                return
            self.see(plan.rows, plan)
            self.see(order_second(plan), plan)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        page = options["out"] / "index.html"
        page.write_text(write(self.results(plan), self.provenance()), encoding="utf-8")
        self.stdout.write(f"The page is {page} ({page.stat().st_size / 1e6:.1f} MB).")

    def planned(self, network: Network, there: list[Image], options: dict[str, Any]) -> Plan:
        level = LEVELS[options["budget"]]
        some = choose(network, there, level.images, self.stdout.write)
        predictions = Measurement.predictions(network, some)
        see_through(predictions, unit="predictions", is_quiet=self.is_quiet)
        answers = {
            image.pk: row.first_answer for image, row in zip(some, Measurement.predictions(network, some), strict=True)
        }
        index = network.find(options["index"]) if options["index"] else class_to_show(network, some, answers)
        pool = choose(network, there, POOL)
        return Plan(
            network,
            shown_first(network, some, index),
            pool,
            level,
            options["seed"],
            index,
            answers,
            toward=network.find(options["toward"]) if options["toward"] else None,
            beside=[chosen(name, "*")[0] for name in options["beside"].split(",") if name],
            arms=named_arms(options["arms"]) if options["arms"] else self.demo_arms(network),
        )

    def demo_arms(self, network: Network) -> dict[str, list[Network]]:
        """The demo's networks that were trained on one and on many instances, for a network of such scenes."""
        if network.plugin != "scenes":
            return {}
        found: dict[str, list[Network]] = {}
        for arm in ARMS:
            paths = sorted(FIXTURES.glob(f"{arm}_*.safetensors"))
            found[arm] = [
                computing.add_network(named(path), plugin="scenes", parameters={}, checkpoint=str(path))[0]
                for path in paths
            ]
        return found

    def estimate(self, plan: Plan) -> None:
        from attribution import compute

        left = passes(plan)
        seconds = left * compute.seconds_a_pass(computing.source_of(plan.network))
        if left:
            self.stdout.write(
                f"About {left:,.0f} forward passes of one image are left: {duration(seconds)} on one core of this "
                "machine at its present load, less with more workers."
            )
        else:
            self.stdout.write("Nearly everything is computed already.")

    def see(self, rows: list[Work], plan: Plan) -> None:
        """Wait for rows; what fails is told on the page, not here, for it is an answer as well."""
        try:
            see_through(rows, unit="computed", is_quiet=self.is_quiet)
        except WorkFailedError:
            reasons = dict.fromkeys(row.error for row in reread(rows) if row.state == State.FAILED)
            words = "".join(f"\n  - {reason}" for reason in reasons)
            self.stdout.write(f"Some of it has no answer for this network, which the page says:{words}")
        for stored in (plan.maps, plan.visualizations, plan.measurements):
            known: Any = stored
            for name, row in zip(list(known), reread(list(known.values())), strict=True):
                known[name] = row

    def results(self, plan: Plan) -> Results:
        from attribution import compute

        view = (plan.network.view_resize, plan.network.view_size)
        predictions = Measurement.predictions(plan.network, plan.images)
        opened = compute.open_network(computing.source_of(plan.network))
        return Results(
            plan,
            photos={image.pk: compute.seen(images.pixels(image.file), view) for image in plan.pool},
            predictions={image.pk: row.table for image, row in zip(plan.images, predictions, strict=True)},
            mean=opened.mean[0].cpu().numpy().astype(np.float64),
        )

    def provenance(self) -> dict[str, Any]:
        from attribution import compute

        return compute.provenance()


def named(path: Path) -> str:
    """A checkpoint's name with its content's first digits: one that was trained anew is another network."""
    return f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"


def named_arms(given: list[str]) -> dict[str, list[Network]]:
    """["one=a,b", "many=c,d"] -> the networks of both arms; raises ValueError in words."""
    found: dict[str, list[Network]] = {}
    for text in given:
        arm, equals, names = text.partition("=")
        if not equals or arm not in ARMS or arm in found:
            raise ValueError(f"--arms {text} should be like one=a,b or many=c,d, each arm once.")
        found[arm] = [chosen(name, "*")[0] for name in names.split(",") if name]
    short = [arm for arm in ARMS if len(found.get(arm, [])) < 2]
    if short:
        raise ValueError(f"--arms: the arm {short[0]} needs at least two networks, for the network is the unit.")
    labels = {network.name: network.labels for networks in found.values() for network in networks}
    if len({tuple(some) for some in labels.values()}) > 1:
        raise ValueError(f"--arms: the networks {', '.join(labels)} should all have the same classes.")
    return found
