"""What is measured: a diagnostic's table of images, stored maps and visualizations, which it waits for."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Self

from django.db import models

from .computations import Computation, SaliencyMap, Visualization
from .inputs import Image, Network
from .work import State, WorkQuerySet

SOURCES: tuple[type[Computation], ...] = (SaliencyMap, Visualization)


class MeasurementQuerySet(WorkQuerySet):
    def ready(self) -> Self:
        """Free measurements whose maps and visualizations are done."""
        free = super().ready()
        needed = {row.pk: row.source_keys for row in free.only("pk", "subject")}
        states = _states(key for keys in needed.values() for key in keys)
        waiting = [pk for pk, keys in needed.items() if any(states.get(key) != State.DONE for key in keys)]
        return free.exclude(pk__in=waiting) if waiting else free

    def follow_sources(self) -> int:
        changed = 0
        unfinished = list(self.unfinished().only("pk", "subject"))
        states = _states(key for row in unfinished for key in row.source_keys)
        for row in unfinished:
            if words := _failure(row.source_keys, states):
                changed += (
                    self.filter(pk=row.pk)
                    .unfinished()
                    .update(
                        state=State.FAILED,
                        error=f"What it measures could not be computed: {words}",
                        attempts=0,
                        lease="",
                    )
                )
        untried = [row for row in self.filter(state=State.FAILED, attempts=0).only("pk", "subject") if row.source_keys]
        states = _states(key for row in untried for key in row.source_keys)
        again = [row.pk for row in untried if not _failure(row.source_keys, states)]
        return changed + self.filter(pk__in=again)._wait_again()

    def retry(self) -> int:
        """Let failed measurements wait again, and what they measure with them."""
        keys = {key for row in self.filter(state=State.FAILED).only("pk", "subject") for key in row.source_keys}
        for model in SOURCES:
            for some in _portions(keys):
                model._default_manager.filter(content_key__in=some).retry()
        return self._wait_again()

    def _wait_again(self) -> int:
        return super().retry()


def _states(keys: Iterable[str]) -> dict[str, str]:
    """Content key -> state of the stored maps and visualizations among ``keys``."""
    return {
        key: state
        for some in _portions(set(keys))
        for model in SOURCES
        for key, state in model._default_manager.filter(content_key__in=some).values_list("content_key", "state")
    }


def _failure(keys: Iterable[str], states: dict[str, str]) -> str:
    """Why one of the sources will never be done, or nothing."""
    for key in keys:
        if key not in states:
            return "a map or visualization is no longer there."
        if states[key] == State.FAILED:
            found = (model._default_manager.filter(content_key=key).first() for model in SOURCES)
            return next((f"{row}: {row.error}" for row in found if row is not None), "")
    return ""


def _portions(keys: Iterable[str]) -> Iterator[list[str]]:
    """Keys in portions that any database takes in one query."""
    every = sorted(keys)
    for start in range(0, len(every), 500):
        yield every[start : start + 500]


class Measurement(Computation):
    """A diagnostic's table; ``subject`` says of what, by content.

    ``labels``: the images' class indices; ``boxes``: their boxes; ``masks``: their masks' hashes; ``maps``: name ->
    content keys, one map an image; ``visualizations``: name -> content key; ``networks``: name -> fingerprint of those
    that are measured beside ``network``, or where there is none, together.
    """

    folder = "attribution.diagnostics"

    network = models.ForeignKey(Network, on_delete=models.PROTECT, null=True, blank=True)
    randomized_seed = models.BigIntegerField(null=True, blank=True)
    images = models.ManyToManyField(Image, blank=True)
    image_hashes = models.JSONField(default=list)  # of ``images``, in order: part of the content key
    subject = models.JSONField(default=dict)
    table = models.JSONField(default=list)

    objects: ClassVar[Any] = MeasurementQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.plugin} of {self.network or ', '.join(self.subject.get('networks', {}))}"

    @property
    def map_keys(self) -> dict[str, list[str]]:
        """Name -> content keys of saliency maps, one an image."""
        return dict(self.subject.get("maps", {}))

    @property
    def visualization_keys(self) -> dict[str, str]:
        """Name -> content key of a visualization."""
        return dict(self.subject.get("visualizations", {}))

    @property
    def networks(self) -> dict[str, Network]:
        """Name -> network that is measured, its own first; raises ValueError where one is no longer there."""
        found = {self.network.name: self.network} if self.network else {}
        for name, fingerprint in sorted(self.subject.get("networks", {}).items()):
            alike = Network.objects.filter(weights_hash=fingerprint[0]).order_by("pk")
            known = {network.name: network for network in alike if network.fingerprint == fingerprint}
            if not known:
                raise ValueError(f"The network {name}, which is to be measured as well, is no longer there.")
            found[name] = known.get(name) or next(iter(known.values()))
        return found

    @property
    def source_keys(self) -> set[str]:
        """The content keys of all that must be done before this can be measured."""
        return {key for keys in self.map_keys.values() for key in keys} | set(self.visualization_keys.values())

    @classmethod
    def predictions(cls, network: Network, images: list[Image]) -> list[Self]:
        """The stored rows of what ``network`` says of each image, ordered where they are not there yet."""
        return cls.order([cls(plugin="predictions", network=network, image_hashes=[i.content_hash]) for i in images])

    @property
    def first_answer(self) -> int:
        """Of predictions that are done: the index of the class with the highest score."""
        return next(int(line["index"]) for line in self.table if line["rank"] == 1)

    @classmethod
    def order(cls, rows: list[Self]) -> list[Self]:
        stored = super().order(rows)
        hashes = {digest for row in stored for digest in row.image_hashes}
        images = dict(Image.objects.filter(content_hash__in=hashes).values_list("content_hash", "pk"))
        links = [
            cls.images.through(measurement_id=row.pk, image_id=images[digest])
            for row in stored
            for digest in row.image_hashes
            if digest in images
        ]
        cls.images.through.objects.bulk_create(links, ignore_conflicts=True, batch_size=500)
        return stored

    def signature(self) -> list[Any]:
        return [self.network_id, self.randomized_seed, self.plugin, self.version, self.parameters, self.seed]

    def depends_on(self) -> dict[str, Any]:
        return {
            "network": self.network.fingerprint if self.network else None,
            "randomized_seed": self.randomized_seed,
            "images": self.image_hashes,
            "subject": self.subject,
        }
