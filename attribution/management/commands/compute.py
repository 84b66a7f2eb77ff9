"""Order maps and visualizations, and wait for them if asked to: workers compute them, or this process where none is."""

import fnmatch
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from attribution import computing, costs, plugins
from attribution.management.commands.add_network import assignment
from attribution.management.waiting import reread, see_through
from attribution.models import (
    Image,
    Measurement,
    Network,
    OfNetwork,
    Picture,
    SaliencyMap,
    State,
    Visualization,
    Work,
    Worker,
    standard_pictures,
)
from attribution.targets import SCALARS, Scalar, Target
from attribution.tasks import nudge

WORTH_TELLING = 500  # forward passes of one image, some ten seconds of a network for photos


class Command(BaseCommand):
    help = (
        "Compute saliency maps and visualizations, and what the network says of every image. A visualization is made "
        "of each target once, one that begins at a photo (edit, occluded) of each image. What is computed "
        "already is not computed again; what failed is tried again. Workers do the work; where none is running, "
        "--wait does it here."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--network", required=True, help="the name of a network that was added")
        parser.add_argument("--images", default="*", metavar="GLOB", help="which images, by name (default: all)")
        parser.add_argument("--methods", default="", help=f"of {', '.join(plugins.names('attribution.methods'))}")
        parser.add_argument(
            "--visualizations", default="", help=f"of {', '.join(plugins.names('attribution.visualizations'))}"
        )
        parser.add_argument(
            "--targets",
            help="predicted (the network's first answer, the default where no unit is named), label (the image's own), "
            "or classes by name or number: goose,251",
        )
        parser.add_argument("--against", default="", metavar="CLASS", help="explain the targets minus this class")
        parser.add_argument("--scalar", default="logit", choices=SCALARS, help="what is explained of a class")
        parser.add_argument(
            "--units",
            nargs="+",
            default=[],
            metavar="MODULE:CHANNEL[:ROW,COLUMN]",
            help="channels of layers, at one position or over all, such as block4.activation:7",
        )
        parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn at random (default: 0)")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="PLUGIN.PARAMETER=VALUE",
            help="a parameter of a method or visualization, its value as JSON, such as class_model.steps=50",
        )
        parser.add_argument("--wait", action="store_true", help="stay until all is done, with a progress bar")

    def handle(self, *args: Any, **options: Any) -> None:
        is_quiet = options["verbosity"] == 0
        try:
            network, images = chosen(options["network"], options["images"])
            names = {
                kind: [name for name in options[kind].split(",") if name] for kind in ("methods", "visualizations")
            }
            parameters = settings_of(options["set"], names)
            predictions = Measurement.predictions(network, images)
            wanted = options["targets"] or ("" if options["units"] else "predicted")
            if "predicted" in wanted.split(","):
                see_through(predictions, unit="predictions", is_quiet=is_quiet)
                predictions = Measurement.predictions(network, images)
            against = network.find(options["against"]) if options["against"] else None
            targets = Targets(
                network,
                images,
                predictions,
                wanted,
                of_class=lambda index: contrast(network, index, against, options["scalar"]),
                units=[Target.of_unit(text) for text in options["units"]],
            )
            maps = SaliencyMap.order(
                [
                    SaliencyMap(
                        plugin=name,
                        parameters=parameters.get(name, {}),
                        seed=options["seed"],
                        network=network,
                        image=image,
                        target=target.to_json(),
                    )
                    for name in names["methods"]
                    for image in images
                    for target in explained(plugins.describe("attribution.methods", name), targets.of(image))
                ]
            )
            shown = Visualization.order(
                [
                    Visualization(
                        plugin=name,
                        parameters=parameters.get(name, {}),
                        seed=options["seed"],
                        network=network,
                        image=image,
                        target=target.to_json(),
                    )
                    for name in names["visualizations"]
                    for image, target in beginnings(
                        plugins.describe("attribution.visualizations", name), images, targets
                    )
                ]
            )
            self.estimate(network, [row for row in [*maps, *shown] if row.state != State.DONE])
            if options["wait"]:
                see_through([*predictions, *maps, *shown], unit="computed", is_quiet=is_quiet)
                see_through(pictures_of(maps, shown), unit="rendered", is_quiet=is_quiet)
                self.stdout.write(f"{len(maps)} maps and {len(shown)} visualizations are done.")
                for row in reread(maps):
                    if "reading" in row.provenance:
                        self.stdout.write(f"  - {row}: {row.provenance['reading']}")
                return
        except ValueError as error:
            raise CommandError(str(error)) from error
        rows: list[Work] = [*predictions, *maps, *shown]
        for model in (Measurement, SaliencyMap, Visualization):
            model.objects.filter(pk__in=[row.pk for row in rows if type(row) is model]).retry()
        nudge(reread(rows))
        left = sum(row.is_unfinished for row in reread(rows))
        self.stdout.write(
            f"{len(maps)} maps and {len(shown)} visualizations are ordered; {left} rows wait for a worker."
        )
        if left and not Worker.objects.alive().exists():
            self.stdout.write("No worker is running. Start one with “manage.py up”, or let --wait do the work here.")

    def estimate(self, network: Network, rows: Sequence[OfNetwork]) -> None:
        """Say what is left to compute, and how long that takes on this machine where it may be long."""
        forwards = sum(row.forward_passes for row in rows)
        if forwards < WORTH_TELLING:
            return
        from attribution import compute

        words = costs.in_words(forwards, compute.seconds_a_pass(computing.source_of(network)))
        self.stdout.write(f"{len(rows)} are left to compute. {words[:-1]} on one core of this machine, busy as it is.")


class Targets:
    """What maps and visualizations are about: classes as ``of_class`` explains them, and units."""

    def __init__(
        self,
        network: Network,
        images: list[Image],
        predictions: list[Measurement],
        wanted: str,
        *,
        of_class: Callable[[int], Target],
        units: list[Target],
    ) -> None:
        self.network = network
        kinds = wanted.split(",")
        named = [network.find(one) for one in kinds if one not in ("", "predicted", "label")]
        self.everywhere = [*map(of_class, named), *units]
        self.by_image: dict[int, list[Target]] = {image.pk: list(self.everywhere) for image in images}
        for image, prediction in zip(images, predictions, strict=True):
            if "predicted" in kinds:
                self.by_image[image.pk].append(of_class(prediction.first_answer))
            if "label" in kinds:
                self.by_image[image.pk].append(of_class(self._label(image)))

    def of(self, image: Image) -> list[Target]:
        return list(dict.fromkeys(self.by_image[image.pk]))

    def all(self) -> list[Target]:
        return list(dict.fromkeys([*self.everywhere, *(one for some in self.by_image.values() for one in some)]))

    def _label(self, image: Image) -> int:
        index = self.network.class_of(image)
        if index is None:
            label = f"is labelled “{image.label}”, no class of {self.network}" if image.label else "has no label"
            raise ValueError(f"The image {image} {label}; choose other images with --images, or other --targets.")
        return index


def contrast(network: Network, index: int, against: int | None, scalar: Scalar) -> Target:
    """The class, or its contrast with the class ``against``; raises ValueError for a contrast with itself."""
    if index == against:
        raise ValueError(f"“{network.label(index)}” minus itself is 0 everywhere: name another class with --against.")
    return Target(index=index, against=against, scalar=scalar)


def explained(plugin: plugins.Plugin, targets: list[Target]) -> list[Target]:
    """The targets, if the plug-in can explain them all; raises ValueError where it cannot."""
    for target in targets:
        if target.kind not in plugin.explains:
            raise ValueError(
                f"“{plugin.name}” explains no {target.kind}, only: {', '.join(plugin.explains)}. Leave it out, or "
                "choose other targets."
            )
    return targets


def beginnings(plugin: plugins.Plugin, images: list[Image], targets: Targets) -> list[tuple[Image | None, Target]]:
    """Of what a visualization is made: of each target once, or of each image's targets where it begins at a photo."""
    if "start" not in plugin.asks:
        return [(None, target) for target in explained(plugin, targets.all())]
    return [(image, target) for image in images for target in explained(plugin, targets.of(image))]


def chosen(name: str, pattern: str) -> tuple[Network, list[Image]]:
    """The network and the images whose names fit the pattern; raises ValueError with what there is."""
    network = Network.objects.filter(name=name).first()
    if network is None:
        known = ", ".join(Network.objects.values_list("name", flat=True)) or "none; add one with add_network"
        raise ValueError(f"There is no network “{name}”; there are: {known}.")
    images = [image for image in Image.objects.all() if fnmatch.fnmatchcase(image.name, pattern)]
    if not images and pattern != "*":
        raise ValueError(f"No image's name fits “{pattern}”; {Image.objects.count()} images are there.")
    return network, images


def settings_of(assignments: list[str], names: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    """["class_model.steps=50"] -> {"class_model": {"steps": 50}}, for plug-ins that are being used."""
    used = [name for some in names.values() for name in some]
    found: dict[str, dict[str, Any]] = {}
    for text in assignments:
        path, value = assignment(text)
        plugin, dot, parameter = path.partition(".")
        if not dot or plugin not in used:
            raise ValueError(
                f"--set {text} should name one of {', '.join(used) or 'none'}, as in class_model.steps=50."
            )
        found.setdefault(plugin, {})[parameter] = value
    return found


def pictures_of(maps: list[SaliencyMap], visualizations: list[Visualization]) -> list[Picture]:
    """The stored standard pictures of what is done."""
    finished = [*reread(maps), *reread(visualizations)]
    return Picture.order([picture for row in finished for picture in standard_pictures(row)])
