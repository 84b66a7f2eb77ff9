"""What an examination orders: maps, visualizations and measurements as rows, so that nothing is computed twice."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from attribution import plugins
from attribution.costs import GRADIENT
from attribution.models import Image, Measurement, Network, SaliencyMap, State, Visualization, Work
from attribution.targets import Target

PRIORS = ("none", "l2", "tv", "blur", "jitter", "fourier", "phase")
SHUFFLED = 7  # the seed of the control with shuffled weights
QUICK_MAPS = ("gradient", "gradient_input", "guided_backprop", "deconvnet")
SLOW_MAPS = (
    "smoothgrad",
    "integrated_gradients",
    "occlusion",
    "smoothgrad_squared",
    "gaussian_variance",
    "sobol_total",
    "prediction_difference",
    "vargrad",
    "second_order",
    "random_map",
)
INFLUENCES = (
    "gradient",
    "gradient_input",
    "occlusion",
    "sobol_total",
    "prediction_difference",
    "smoothgrad_squared",
    "gaussian_variance",
)
JUDGED = ("gradient", "integrated_gradients", "occlusion", "random_map")


@dataclass(frozen=True)
class Level:
    """How much is spent: images, images for what is slow, steps of an ascent, restarts."""

    images: int
    few: int
    steps: int
    restarts: int


LEVELS = {"quick": Level(6, 3, 50, 4), "standard": Level(16, 3, 120, 6), "thorough": Level(48, 8, 250, 8)}

# About how many forward passes of one image a measurement of one image takes, at the parameters ordered here.
PASSES = {
    "linearity": 340,
    "second_order_fidelity": 2400,
    "saturation": 40,
    "cross_saliency": 30,
    "rule_agreement": 12,
    "localisation": 5,
    "faithfulness": 500,
    "randomisation": 40,
    "discrimination": 8,
    "instance_count": 225,
}


@dataclass
class Plan:
    """All rows of an examination, by name, in the order in which they can be computed."""

    network: Network
    images: list[Image]
    pool: list[Image]  # these and others, for what takes hardly more than a forward pass
    level: Level
    seed: int
    index: int
    answers: dict[int, int]  # image's key -> the network's first answer
    beside: list[Network] = field(default_factory=list)  # whose accuracy and localisation stand beside
    arms: dict[str, list[Network]] = field(default_factory=dict)  # "one", "many" -> networks trained on so many
    maps: dict[tuple[str, int, int], SaliencyMap] = field(default_factory=dict)  # method, image's key, class
    visualizations: dict[str, Visualization] = field(default_factory=dict)
    measurements: dict[str, Measurement] = field(default_factory=dict)

    @property
    def few(self) -> list[Image]:
        return self.images[: self.level.few]

    @property
    def other_class(self) -> int:
        """The class that an edit goes toward: the commonest answer that is not the first image's own."""
        first = self.answers[self.images[0].pk]
        counted = Counter(answer for answer in self.answers.values() if answer != first)
        own = self.index if self.index != first else (first + 1) % len(self.network.labels)
        return counted.most_common(1)[0][0] if counted and self.index == first else own

    @property
    def classes(self) -> list[int]:
        """At most eight classes whose maps of one image stand side by side."""
        known = [self.index, *self.answers.values()]
        return list(dict.fromkeys([*known, *range(len(self.network.labels))]))[:8]

    def order_first(self) -> list[Work]:
        """Store the rows that wait for no other."""
        self._order_maps()
        self._order_visualizations()
        self._order_measurements()
        return self.rows

    @property
    def rows(self) -> list[Work]:
        return [*self.maps.values(), *self.visualizations.values(), *self.measurements.values()]

    def order_second(self) -> list[Work]:
        """Store the rows that are about what is done now; what failed is left out."""
        before = {row.pk for row in self.measurements.values()}
        shown = set(self.visualizations)
        self._order_ball()
        self._order_units()
        self._measure_maps("influence_agreement", [m for m in INFLUENCES if self._is_complete(m)], cells=8)
        self._measure_maps("faithfulness", [m for m in JUDGED if self._is_complete(m)])
        made = self.visualizations.get("restarts")
        if made is not None and made.state == State.DONE:
            stored = {str(self.index): made.content_key}
            self._measure("score_gap", self.pool, {"index": self.index}, visualizations=stored)
            self._measure("restarts", self.images, {"index": self.index}, visualizations=stored)
        stored = {
            f"{prior} {weights}": row.content_key
            for prior in PRIORS
            for weights in ("trained", "shuffled")
            if (row := self.visualizations.get(f"{prior} {weights}")) is not None and row.state == State.DONE
        }
        priors = [prior for prior in PRIORS if {f"{prior} trained", f"{prior} shuffled"} <= set(stored)]
        if priors:
            self._measure(
                "regulariser_ablation",
                [],
                {"index": self.index, "priors": priors, "seeds": 1, "restarts": 2},
                visualizations=stored,
                seed=SHUFFLED,
            )
        new: list[Work] = [row for row in self.measurements.values() if row.pk not in before]
        return [*new, *(row for name, row in self.visualizations.items() if name not in shown)]

    def passes(self) -> float:
        """About how many forward passes of one image what is not done yet takes."""
        total = 0.0
        for row in self.maps.values():
            total += 0 if row.state == State.DONE else row.forward_passes
        for shown in self.visualizations.values():
            total += 0 if shown.state == State.DONE else shown.forward_passes
        for measured in self.measurements.values():
            if measured.state != State.DONE:
                count = len(measured.image_hashes)
                total += PASSES.get(measured.plugin, 2) * count
                total += {"saliency_of_visualization": 4, "discrimination": 6, "instance_count": 4}.get(
                    measured.plugin, 0
                ) * (GRADIENT * self.level.steps)
        return total

    def _order_maps(self) -> None:
        wanted = [(method, image, self.answers[image.pk]) for method in QUICK_MAPS for image in self.few]
        wanted += [(method, image, self.answers[image.pk]) for method in SLOW_MAPS for image in self.few]
        wanted += [("gradient", self.images[0], index) for index in self.classes]
        wanted += [("contrast", image, self.answers[image.pk]) for image in self.few]
        rows = [
            SaliencyMap(
                plugin=method,
                parameters=_map_parameters(method),
                seed=self.seed,
                network=self.network,
                image=image,
                target=Target(index=index).to_json(),
            )
            for method, image, index in wanted
        ]
        stored = SaliencyMap.order(rows)
        keys = [(method, image.pk, index) for method, image, index in wanted]
        self.maps = dict(zip(keys, stored, strict=True))

    def _order_visualizations(self) -> None:
        steps, restarts = self.level.steps, self.level.restarts
        alone = Target(index=self.index)
        few = {"steps": steps, "restarts": 2}
        wanted: dict[str, Visualization] = {
            "free": self._visualization("class_model", alone, {**few, "clip": False}),
            "restarts": self._visualization("class_model", alone, {"steps": steps, "restarts": restarts}),
        }
        for index in self.classes[:4]:
            wanted[f"class {index}"] = self._visualization("class_model", Target(index=index), few)
        for scalar in ("logit", "log_probability", "margin"):
            target = Target(index=self.index, scalar=scalar)
            wanted[scalar] = self._visualization("class_model", target, few)
        wanted["contrast"] = self._visualization("contrast", alone, few)
        for prior in PRIORS:
            for weights in ("trained", "shuffled"):
                shuffled = None if weights == "trained" else SHUFFLED
                row = self._visualization("class_model", alone, {**few, "prior": prior}, shuffled=shuffled)
                wanted[f"{prior} {weights}"] = row
        toward = Target(index=self.other_class)
        for prior in ("raw", "smoothed", "low_pass"):
            row = self._visualization("edit", toward, {"prior": prior, "steps": min(steps, 60)})
            row.image = self.images[0]
            wanted[f"edit {prior}"] = row
        covered = self._visualization("occluded", Target(index=self.answers[self.images[0].pk]), {"count": 3})
        covered.image = self.images[0]
        wanted["occluded"] = covered
        stored = Visualization.order(list(wanted.values()))
        self.visualizations = dict(zip(wanted, stored, strict=True))

    def _order_measurements(self) -> None:
        steps = self.level.steps
        own = {"index": self.index}
        self._measure("saturation", self.images, {"samples": 4})
        self._measure("linearity", self.images, {"samples": 32})
        self._measure("second_order_fidelity", self.few, {"grid": 5, "samples": 400, "fresh": 200})
        self._measure("saliency_of_visualization", self.images, {**own, "steps": 2 * steps, "restarts": 1})
        self._measure("cross_saliency", self.images, {"classes": self.classes})
        self._measure("rule_agreement", self.images, {})
        self._measure("localisation", self.pool[:100], {"methods": ["gradient"]})
        for other in self.beside:
            self._measure("localisation", self.pool[:100], {}, name=f"localisation {other.name}", network=other)
        self._measure("discrimination", self.images, {**own, "steps": steps})
        self._measure("unit_activation", self.pool[:100], {"most": 3, "top": 3})
        for method in ("gradient", "guided_backprop"):  # apart, for one may not be defined
            self._measure("randomisation", self.few, {"methods": [method]}, name=f"randomisation {method}")
        counted = {**own, "steps": steps, "restarts": 2}
        self._measure("instance_count", varied(self.pool, 4 * self.level.few), counted)
        for arm, networks in self.arms.items():
            for network in networks:
                given = {"classes": 4, "steps": min(steps, 80), "restarts": 1}
                self._measure("instance_count", [], given, name=f"{arm} {network.name}", network=network)

    def _order_ball(self) -> None:
        """On the ball whose radius is the distance that the penalty reached: there both should agree."""
        free = self.visualizations["free"]
        if free.state != State.DONE or not free.curves.get("distance"):
            return
        reached = sum(free.curves["distance"][-1]) / len(free.curves["distance"][-1])
        given = {
            "radius": reached / (3 * self.network.view_size**2) ** 0.5,
            "steps": self.level.steps,
            "restarts": 2,
        }
        target = Target(index=self.index)
        self._show("ball", "unit", target, given)
        # From the ball's own start, so that what differs is the constraint and not the luck of the start.
        matched = {"steps": self.level.steps, "restarts": 2, "clip": False, "noise": given["radius"]}
        self._show("penalty", "class_model", target, matched)

    def _order_units(self) -> None:
        found = self.measurements["unit_activation"]
        if found.state != State.DONE:
            return
        module = str(found.table[0]["module"])
        for channel in list(dict.fromkeys(int(row["channel"]) for row in found.table))[:3]:
            target = Target(module=module, channel=channel)
            self._show(f"unit {channel}", "unit", target, {"steps": self.level.steps, "restarts": 1})

    def _show(self, name: str, plugin: str, target: Target, given: dict[str, Any]) -> None:
        [self.visualizations[name]] = Visualization.order([self._visualization(plugin, target, given)])

    def _visualization(
        self, plugin: str, target: Target, given: dict[str, Any], *, shuffled: int | None = None
    ) -> Visualization:
        return Visualization(
            plugin=plugin,
            parameters=given,
            seed=self.seed,
            network=self.network,
            target=target.to_json(),
            randomized_seed=shuffled,
        )

    def _is_complete(self, method: str) -> bool:
        found = [self.maps.get((method, image.pk, self.answers[image.pk])) for image in self.few]
        return all(row is not None and row.state == State.DONE for row in found)

    def _measure_maps(self, plugin: str, methods: Sequence[str], **given: Any) -> None:
        keys = {
            method: [self.maps[method, image.pk, self.answers[image.pk]].content_key for image in self.few]
            for method in methods
        }
        if len(keys) > 1:
            self._measure(plugin, self.few, given, maps=keys)

    def _measure(
        self,
        plugin: str,
        images: Sequence[Image],
        given: dict[str, Any],
        *,
        name: str = "",
        network: Network | None = None,
        seed: int | None = None,
        **more: Any,
    ) -> None:
        subject: dict[str, Any] = dict(more)
        if images:
            subject["labels"] = [(network or self.network).class_of(image) for image in images]
            subject["boxes"] = [image.boxes for image in images]
        row = Measurement(
            plugin=plugin,
            parameters=given,
            seed=self.seed if seed is None else seed,
            network=network or self.network,
            image_hashes=[image.content_hash for image in images],
            subject=subject,
        )
        [self.measurements[name or plugin]] = Measurement.order([row])


def choose(
    network: Network, images: Sequence[Image], most: int, say: Callable[[str], object] = lambda words: None
) -> list[Image]:
    """At most ``most`` images: each class in turn, those with a label and boxes first."""

    def rank(image: Image) -> tuple[bool, bool, str]:
        return (network.class_of(image) is None, not image.boxes, image.name)

    by_class: dict[Any, list[Image]] = {}
    for image in sorted(images, key=rank):
        by_class.setdefault(network.class_of(image), []).append(image)
    unknown = by_class.pop(None, [])
    turns = max((len(group) for group in by_class.values()), default=0)
    ordered = [group[turn] for turn in range(turns) for group in by_class.values() if turn < len(group)] + unknown
    if len(ordered) > most:
        say(f"Of {len(ordered)} images {most} are examined, each class in turn; --budget thorough takes more.")
    return ordered[:most]


def varied(images: Sequence[Image], most: int) -> list[Image]:
    """At most ``most`` images, those with one box, with two, with three ... in turn."""
    groups: dict[int, list[Image]] = {}
    for image in images:
        if image.boxes:
            groups.setdefault(len(image.boxes), []).append(image)
    turns = max((len(group) for group in groups.values()), default=0)
    return [group[turn] for turn in range(turns) for _, group in sorted(groups.items()) if turn < len(group)][:most]


def class_to_show(network: Network, images: Sequence[Image], answers: dict[int, int]) -> int:
    """The class that is visualized where none is named: the goose where there is one, else the commonest label."""
    labels = [index for image in images if (index := network.class_of(image)) is not None]
    labels = labels or list(answers.values())
    geese = [index for index in labels if network.label(index).casefold() == "goose"]
    return geese[0] if geese else Counter(labels).most_common(1)[0][0]


def _map_parameters(method: str) -> dict[str, Any]:
    given: dict[str, dict[str, Any]] = {
        "gaussian_variance": {"grid": 6, "samples": 360},
        "second_order": {"samples": 320},
        "sobol_total": {},
        "prediction_difference": {"square": 0.125, "stride": 0.125, "samples": 6},
    }
    declared = plugins.describe("attribution.methods", method).parameters
    return {name: value for name, value in given.get(method, {}).items() if name in declared}
