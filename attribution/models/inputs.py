"""What is computed from: networks and images."""

import difflib
import hashlib
import json
import secrets
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils import timezone

from attribution import plugins

FEW_CLASSES = 20  # can all be named in a sentence


def digest(value: object) -> str:
    """sha256 of canonical JSON: keys sorted, no spaces, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def unguessable(folder: str, ending: str) -> str:
    return f"{folder}/{secrets.token_urlsafe(24)}{ending}"


def checkpoint_path(network: "Network", filename: str) -> str:
    return unguessable("networks", ".safetensors")


def image_path(image: "Image", filename: str) -> str:
    return unguessable("images", ".png")


def mask_path(image: "Image", filename: str) -> str:
    return unguessable("masks", ".png")


class Network(models.Model):
    """A classifier: how it is loaded, its checkpoint (safetensors) and what a page needs to know of it."""

    name = models.SlugField(max_length=80, unique=True)
    plugin = models.CharField(max_length=80)
    parameters = models.JSONField(default=dict)
    checkpoint = models.FileField(upload_to=checkpoint_path, max_length=200)
    weights_hash = models.CharField(max_length=64)
    labels = models.JSONField()  # class names, in the order of the logits
    view_resize = models.PositiveIntegerField()
    view_size = models.PositiveIntegerField()
    architecture = models.CharField(max_length=80)
    parameter_count = models.PositiveBigIntegerField()
    source = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def fingerprint(self) -> list[Any]:
        """All that the network's answers depend on; part of the content key of what is computed with it."""
        return [self.weights_hash, self.plugin, self.parameters, self.view_resize, self.view_size]

    @staticmethod
    def fingerprints(networks: Iterable["Network"]) -> dict[str, list[Any]]:
        """Name -> fingerprint: how a measurement's subject names the networks beside its own."""
        return {network.name: network.fingerprint for network in networks}

    @property
    def seconds_a_pass(self) -> float | None:
        """Seconds that a forward pass of one image took the workers in their latest maps; None where there are none."""
        lately = self.saliencymap_set.filter(
            seconds__isnull=False, plugin__in=plugins.names("attribution.methods"), randomized_seed=None
        ).order_by("-finished_at")[:50]
        counted = [(row.seconds, row.forward_passes) for row in lately]
        asked = sum(passes for _, passes in counted)
        return sum(seconds for seconds, passes in counted if passes) / asked if asked else None

    def label(self, index: int) -> str:
        return str(self.labels[index]) if 0 <= index < len(self.labels) else str(index)

    def find(self, text: str) -> int:
        """The index of the class that ``text`` names or numbers; raises ValueError with the names that are like it."""
        if text.isascii() and text.isdigit():
            if int(text) < len(self.labels):
                return int(text)
            raise ValueError(f"{self.name} has {len(self.labels)} classes, numbered from 0; there is no {text}.")
        places = [index for index, label in enumerate(self.labels) if str(label).casefold() == text.casefold()]
        if len(places) > 1:
            numbers = " and ".join(map(str, places))
            raise ValueError(f"{self.name} has more than one class “{text}”: {numbers}; say which by its number.")
        if places:
            return places[0]
        raise ValueError(self.without(text))

    def without(self, text: str) -> str:
        """The sentence that says that there is no class called so, and which ones are like it, or all of a few."""
        labels = [str(label) for label in self.labels]
        like = difflib.get_close_matches(text.casefold(), [label.casefold() for label in labels], n=4)
        few = f"; it has: {', '.join(labels)}" if len(labels) <= FEW_CLASSES else ""
        hint = f"; like it are: {', '.join(like)}" if like else few
        return f"{self.name} has no class “{text}”{hint}."

    def class_of(self, image: "Image") -> int | None:
        """The index of the image's label among the network's classes; None where the network has no such class.

        An index counts only where the class there has the label's name: another data set counts otherwise.
        """
        index, label = image.label_index, image.label.casefold()
        if index is not None and index < len(self.labels) and label in ("", str(self.labels[index]).casefold()):
            return index
        try:
            return self.find(image.label) if label and not label.isdigit() else None
        except ValueError:
            return None


class Image(models.Model):
    """A photo or scene, decoded and stored anew as PNG; boxes in its own pixels: {object, left, top, right, bottom}."""

    name = models.CharField(max_length=200, unique=True)
    file = models.FileField(upload_to=image_path, max_length=200)
    content_hash = models.CharField(max_length=64, unique=True)  # of the pixels, not of the file
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    label = models.CharField(max_length=200, blank=True)
    label_index = models.PositiveIntegerField(null=True, blank=True)
    boxes = models.JSONField(default=list, blank=True)
    mask = models.FileField(upload_to=mask_path, max_length=200, blank=True)
    facts = models.JSONField(default=dict, blank=True)  # what else is known: number of instances, contrast, ...
    source = models.TextField(blank=True)
    licence = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def mask_hash(self) -> str | None:
        """sha256 of the stored mask, or None where there is none."""
        if not self.mask:
            return None
        with self.mask.open("rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()

    @property
    def whereabouts(self) -> dict[str, Any]:
        """Where its objects are, by content: what a result depends on that was given its mask, or else its boxes."""
        return {"mask": self.mask_hash} if self.mask else {"boxes": self.boxes}
