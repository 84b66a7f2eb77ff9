"""What is computed: maps, visualizations, measurements; each has all it depends on in one key, unique by constraint."""

from typing import Any, ClassVar, Self

import numpy as np
from django.db import models, transaction
from numpy.typing import NDArray

from attribution import costs, plugins
from attribution.targets import Target

from .inputs import Image, Network, digest, unguessable
from .work import State, Work


def upload_path(upload: "NetworkUpload", filename: str) -> str:
    return unguessable("uploads", ".checkpoint")


def array_path(row: "Computation", filename: str) -> str:
    return unguessable("arrays", ".npz")


class Computation(Work):
    """One result of one plug-in with everything it depends on. ``folder`` is where the plug-in lives."""

    folder: ClassVar[str]

    plugin = models.CharField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    parameters = models.JSONField(default=dict)
    seed = models.BigIntegerField(default=0)
    content_key = models.CharField(max_length=64, unique=True)
    provenance = models.JSONField(default=dict)  # software versions, device, resolved scalar
    seconds = models.FloatField(null=True, blank=True)

    class Meta(Work.Meta):
        abstract = True

    def depends_on(self) -> dict[str, Any]:
        """What else the result depends on, besides the plug-in: the subclass's own fields, as plain data."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it depends on.")

    def fill(self) -> Self:
        """Complete parameters and version from the plug-in, then the content key from all of it."""
        self.complete()
        self.content_key = digest(
            {
                "kind": type(self).__name__,
                "plugin": [self.plugin, self.version],
                "parameters": self.parameters,
                "seed": self.seed,
                **self.depends_on(),
            }
        )
        return self

    def complete(self) -> None:
        """Check the parameters, fill in their defaults, and note the plug-in's version."""
        self.parameters = plugins.complete(self.folder, self.plugin, self.parameters)
        self.version = plugins.describe(self.folder, self.plugin).version

    @property
    def title(self) -> str:
        """The plug-in's title, or its name where the plug-in is gone."""
        try:
            return plugins.describe(self.folder, self.plugin).title
        except plugins.PluginError:
            return self.plugin

    @classmethod
    def order(cls, rows: list[Self]) -> list[Self]:
        """The stored rows for ``rows``: those that exist by content key, and the new ones, pending. Nothing twice."""
        for row in rows:
            row.fill()
        keys = [row.content_key for row in rows]
        with transaction.atomic():
            cls._default_manager.bulk_create(rows, ignore_conflicts=True, batch_size=500)
        stored = {
            row.content_key: row
            for start in range(0, len(keys), 500)
            for row in cls._default_manager.filter(content_key__in=keys[start : start + 500])
        }
        return [stored[key] for key in keys]


class NetworkUpload(Computation):
    """A checkpoint that somebody sent: checked by a worker, since pages do not load torch; then it is a network."""

    folder = "attribution.networks"

    name = models.SlugField(max_length=80)
    file = models.FileField(upload_to=upload_path, max_length=200, blank=True)  # as sent; gone when checked
    file_name = models.CharField(max_length=200)  # the sender's, for error messages
    file_hash = models.CharField(max_length=64)
    labels = models.JSONField(default=list)  # class names that were sent with it; [] leaves them to the plug-in
    source = models.TextField(blank=True)
    network = models.ForeignKey(Network, on_delete=models.SET_NULL, null=True, blank=True)

    def __str__(self) -> str:
        return f"upload of {self.name}"

    def depends_on(self) -> dict[str, Any]:
        return {"name": self.name, "file": self.file_hash, "labels": self.labels}

    def send(self) -> "NetworkUpload":
        """Store it for the workers. What was checked before, and sent again, is checked again; what waits, waits on."""
        self.fill()
        for old in NetworkUpload.objects.filter(content_key=self.content_key, state__in=[State.DONE, State.FAILED]):
            old.file.delete(save=False)
            old.delete()
        stored = self.order([self])[0]
        if stored.file.name != self.file.name:
            self.file.delete(save=False)
        return stored


class OfNetwork(Computation):
    """A computation that asks a network about a target; ``randomized_seed`` names a control: its weights shuffled."""

    network = models.ForeignKey(Network, on_delete=models.PROTECT)
    randomized_seed = models.BigIntegerField(null=True, blank=True)
    target = models.JSONField(default=dict)  # attribution.targets.Target
    array = models.FileField(upload_to=array_path, max_length=200, blank=True)  # float16

    class Meta(Computation.Meta):
        abstract = True

    def depends_on(self) -> dict[str, Any]:
        return {
            "network": self.network.fingerprint,
            "randomized_seed": self.randomized_seed,
            "target": Target.from_json(self.target).to_json(),
        }

    def signature(self) -> list[Any]:
        return [self.network_id, self.randomized_seed, self.plugin, self.version, self.parameters, self.seed]

    @property
    def forward_passes(self) -> float:
        """About how many forward passes of one image it takes."""
        return costs.passes(self.folder.rpartition(".")[2], self.plugin, self.parameters, size=self.network.view_size)

    def arrays(self) -> dict[str, NDArray[np.float16]]:
        """The stored arrays by name."""
        with self.array.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    @property
    def target_words(self) -> str:
        target = Target.from_json(self.target)
        if target.index is None:
            place = "" if target.position is None else f" at {target.position}"
            return f"{target.module} channel {target.channel}{place}"
        name = self.network.label(target.index)
        against = "" if target.against is None else f" minus {self.network.label(target.against)}"
        return f"{name}{against}"


class SaliencyMap(OfNetwork):
    """A method's map of one image for one target: (C, H, W) float16 under ``map``."""

    folder = "attribution.methods"

    image = models.ForeignKey(Image, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return f"{self.plugin} of {self.image} for {self.target_words}"

    def depends_on(self) -> dict[str, Any]:
        where = {"whereabouts": self.image.whereabouts} if self.needs_masks else {}
        return {**super().depends_on(), "image": self.image.content_hash, **where}

    @property
    def needs_masks(self) -> bool:
        """Whether the method is told where the objects are, as the oracle is."""
        return "masks" in plugins.describe(self.folder, self.plugin).asks


class Visualization(OfNetwork):
    """Images that a target answers to: (n, 3, H, W) float16 under ``images``, with the curves of the ascent."""

    folder = "attribution.visualizations"

    image = models.ForeignKey(Image, on_delete=models.PROTECT, null=True, blank=True)  # where an edit starts
    template_hashes = models.JSONField(default=list)  # content of the images whose magnitudes a prior keeps
    curves = models.JSONField(default=dict)
    notes = models.JSONField(default=dict)
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.plugin} of {self.target_words}"

    def depends_on(self) -> dict[str, Any]:
        found = {**super().depends_on(), "image": self.image.content_hash if self.image else None}
        return {**found, "template": self.template_hashes} if self.template_hashes else found
