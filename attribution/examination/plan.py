"""What an examination is about, and its rows by name: maps, visualizations and measurements, nothing twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from attribution.models import Image, Measurement, Network, SaliencyMap, State, Visualization, Work
from attribution.targets import Target

MOST_CLASSES = 8  # whose maps of one image stand side by side


@dataclass(frozen=True)
class Level:
    """How much is spent: images, images for what is slow, steps of an ascent, restarts, seeds of a prior, classes."""

    images: int
    few: int
    steps: int
    restarts: int
    seeds: int
    classes: int  # whose class models are shown
    counted: int  # whose instances are counted, for each network of the experiment


LEVELS = {
    "quick": Level(6, 3, 50, 4, 2, 4, 2),
    "standard": Level(16, 3, 120, 6, 3, 16, 8),
    "thorough": Level(48, 8, 250, 8, 5, 16, 8),
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
    toward: int | None = None  # the class that an edit of an image of ``index`` goes toward
    beside: list[Network] = field(default_factory=list)  # whose accuracy and localisation stand beside
    arms: dict[str, list[Network]] = field(default_factory=dict)  # "one", "many" -> networks trained on so many
    maps: dict[tuple[str, int, int], SaliencyMap] = field(default_factory=dict)  # name, image's key, class
    visualizations: dict[str, Visualization] = field(default_factory=dict)
    measurements: dict[str, Measurement] = field(default_factory=dict)

    @property
    def few(self) -> list[Image]:
        return self.images[: self.level.few]

    @property
    def classes(self) -> list[int]:
        """The class that is shown, those of the images, and then any: each once."""
        labels = [self.network.class_of(image) for image in self.images]
        known = [self.index, *(index for index in labels if index is not None), *self.answers.values()]
        return list(dict.fromkeys([*known, *range(len(self.network.labels))]))

    @property
    def other_class(self) -> int:
        """The class that an image of the shown class is edited toward: the commonest other one, if none is named."""
        if self.toward is not None:
            return self.toward
        labels = [self.network.class_of(image) for image in self.images]
        known = [index for index in labels if index is not None] or list(self.answers.values())
        counted = Counter(index for index in known if index != self.index)
        return counted.most_common(1)[0][0] if counted else (self.index + 1) % len(self.network.labels)

    def edited_toward(self, image: Image) -> int:
        """The class that an image is edited toward: the shown one, unless it is of that class already."""
        return self.other_class if self.answers[image.pk] == self.index else self.index

    @property
    def counted(self) -> list[int]:
        """The classes, as the experiment's networks count them, whose instances are counted; the shown one first."""
        labels = next((list(networks[0].labels) for networks in self.arms.values()), [])
        names = [self.network.label(index) for index in self.classes]
        return [labels.index(name) for name in names if name in labels][: self.level.counted]

    @property
    def judge(self) -> Network | None:
        """Another network with a class of the same name, which never saw how an image came about."""
        label = self.network.label(self.index)
        others = [*self.beside, *(network for networks in self.arms.values() for network in networks)]
        return next((other for other in others if other != self.network and label in other.labels), None)

    @property
    def template(self) -> list[Image]:
        """Images that are not of the shown class, by label or by answer: their magnitudes are a prior."""
        found = []
        for image in self.images:
            index = self.network.class_of(image)
            if (self.answers[image.pk] if index is None else index) != self.index:
                found.append(image)
        return found

    @property
    def rows(self) -> list[Work]:
        return [*self.maps.values(), *self.visualizations.values(), *self.measurements.values()]

    def is_done(self, name: str) -> bool:
        """Whether the visualization of this name was ordered and is there."""
        row = self.visualizations.get(name)
        return row is not None and row.state == State.DONE

    def is_complete(self, method: str) -> bool:
        """Whether the method's maps of the few images are all there."""
        found = [self.maps.get((method, image.pk, self.answers[image.pk])) for image in self.few]
        return all(row is not None and row.state == State.DONE for row in found)

    def keys(self, names: Sequence[str]) -> dict[str, str]:
        """Name -> content key of visualizations that are there."""
        return {name: self.visualizations[name].content_key for name in names if self.is_done(name)}

    def visualization(
        self, plugin: str, target: Target, given: dict[str, Any], *, seed: int | None = None, **fields: Any
    ) -> Visualization:
        """A row that is not stored yet."""
        fields = {"network": self.network, **fields}
        seed = self.seed if seed is None else seed
        return Visualization(plugin=plugin, parameters=given, seed=seed, target=target.to_json(), **fields)

    def show(self, wanted: dict[str, Visualization]) -> None:
        """Order visualizations by their names."""
        stored = Visualization.order(list(wanted.values()))
        self.visualizations |= dict(zip(wanted, stored, strict=True))

    def measure(
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
        """Order a measurement, by its plug-in's name where no other is given; ``more`` is of its subject."""
        of = network or self.network
        subject: dict[str, Any] = dict(more)
        if images:
            subject["labels"] = [of.class_of(image) for image in images]
            subject["boxes"] = [image.boxes for image in images]
        row = Measurement(
            plugin=plugin,
            parameters=given,
            seed=self.seed if seed is None else seed,
            network=of,
            image_hashes=[image.content_hash for image in images],
            subject=subject,
        )
        [self.measurements[name or plugin]] = Measurement.order([row])
