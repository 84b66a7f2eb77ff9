"""Which stored images a study uses: as items, as the real photos of its classes, and for practice and catch trials.

Everything is drawn by the study's seed from images in the order of their names, so that the same document and images
give the same selection. Practice and catch images are never items, nor shown by any condition.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from attribution.models import Image, Network

from .document import item_names
from .models import Item
from .texts import Problem

SHOWN_NAMES = 5  # of images, in a sentence
EXTRA = ("training", "practice", "catch")  # images that are shown, but never judged


class DocumentError(ValueError):
    """A study document cannot be used, or not with what is stored; ``problems`` are sentences."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass
class Selected:
    """One thing to judge: its name, and its class or its image, or both."""

    name: str
    label: str = ""
    image: Image | None = None
    number: int = 0  # which one of its class


@dataclass
class Selection:
    """What a study uses: ``photos`` are item name -> the real photo of that item's class."""

    items: list[Selected] = field(default_factory=list)
    photos: dict[str, Image] = field(default_factory=dict)
    training: list[Image] = field(default_factory=list)
    pool: list[Image] = field(default_factory=list)  # among which are the photos that excite units
    references: dict[str, list[Image]] = field(default_factory=dict)  # unit -> the photos that excite it most
    practice: list[Image] = field(default_factory=list)
    catch: list[Image] = field(default_factory=list)


def drawn(seed: int, *purpose: object) -> random.Random:
    """The study's random numbers for one purpose: the same seed and purpose give the same numbers."""
    return random.Random(":".join(str(part) for part in (seed, *purpose)))


def label_index(network: Network, image: Image) -> int | None:
    """Which of the network's classes an image is labelled with; None where it has no label that the network knows."""
    labels = network.labels
    index = image.label_index
    if index is not None and index < len(labels) and labels[index] == image.label:
        return index
    return labels.index(image.label) if image.label in labels else None


def select(document: Mapping[str, Any], network: Network) -> Selection:
    """The study's items and images; raises DocumentError where there are not enough of them."""
    images = list(Image.objects.order_by("name"))
    by = _by_unit if document["items"]["units"] else _by_class if document["items"]["classes"] else _by_image
    chosen = by(document, network, images)
    taken: set[int] = set()
    for section in EXTRA:
        found = _obvious(document, section, network, images, chosen, taken)
        setattr(chosen, section, found)
        taken |= {image.pk for image in found}
    reserved = {image.pk for image in chosen.training + chosen.practice + chosen.catch}
    if document["items"]["units"]:
        chosen.pool = [image for image in chosen.pool if image.pk not in reserved]
        needed = document["items"]["references"] + 2
        if len(chosen.pool) < needed:
            words = (
                f"should be {needed} or more, {needed - 2} to show and two to choose from; {_there_are(chosen.pool)}."
            )
            raise DocumentError([Problem(("items", "images"), words)])
    if chosen.items and chosen.items[0].image:
        chosen.items = [item for item in chosen.items if item.image and item.image.pk not in reserved]
    return chosen


def matching(images: Sequence[Image], patterns: Sequence[str]) -> list[Image]:
    """The images whose names match any of the patterns (* and ?), in the order of their names."""
    return [image for image in images if any(fnmatchcase(image.name, pattern) for pattern in patterns)]


def _kept_back(document: Mapping[str, Any], images: Sequence[Image]) -> set[int]:
    """The images that are named for something else than to be judged."""
    return {image.pk for section in EXTRA for image in matching(images, document[section]["images"])}


def _by_class(document: Mapping[str, Any], network: Network, images: Sequence[Image]) -> Selection:
    items = document["items"]
    if unknown := [label for label in items["classes"] if label not in network.labels]:
        raise DocumentError([Problem(("items", "classes"), network.without(one)) for one in unknown])
    labels = [label for label in items["classes"] for _ in range(items["per_class"])]
    selected = [
        Selected(name, label, number=place % items["per_class"])
        for place, (name, label) in enumerate(zip(item_names(items), labels, strict=True))
    ]
    chosen = Selection(selected)
    shows_photos = [condition["name"] for condition in document["conditions"] if condition["photo"]]
    if shows_photos:
        kept_back = _kept_back(document, images)
        problems = []
        for label in items["classes"]:
            photos = [image for image in images if image.label == label and image.pk not in kept_back]
            if len(photos) < items["per_class"]:
                words = f"of “{label}” {_need(items['per_class'], 'photo')}; {_there_are(photos)}."
                problems.append(Problem(("conditions", shows_photos[0]), words))
            drawn(document["seed"], "photos", label).shuffle(photos)
            of_class = [item for item in selected if item.label == label]
            chosen.photos.update({item.name: photo for item, photo in zip(of_class, photos, strict=False)})
        if problems:
            raise DocumentError(problems)
    return chosen


def _by_unit(document: Mapping[str, Any], network: Network, images: Sequence[Image]) -> Selection:
    kept_back = _kept_back(document, images)
    pool = [image for image in matching(images, document["items"]["images"]) if image.pk not in kept_back]
    return Selection([Selected(name) for name in item_names(document["items"])], pool=pool)


def _by_image(document: Mapping[str, Any], network: Network, images: Sequence[Image]) -> Selection:
    patterns = document["items"]["images"]
    kept_back = _kept_back(document, images)
    matched = [image for image in matching(images, patterns) if image.pk not in kept_back]
    if not matched:
        words = f"matches none of the {len(images)} stored images."
        raise DocumentError([Problem(("items", "images"), words)])
    unlabelled = [image for image in matched if label_index(network, image) is None]
    if document["items"]["target"] == "label" and unlabelled:
        words = (
            f"of {names(unlabelled)} no label is stored that {network} knows; leave them out, give them labels, "
            'or set target = "predicted".'
        )
        raise DocumentError([Problem(("items", "images"), words)])
    return Selection([Selected(image.name, image=image) for image in matched])


def _obvious(
    document: Mapping[str, Any],
    section: str,
    network: Network,
    images: Sequence[Image],
    chosen: Selection,
    taken: Collection[int],
) -> list[Image]:
    """Labelled photos for training, practice or catch trials, each for one of them; items' own photos last."""
    wanted = document[section]["count"] * document[section].get("sessions", 1)
    if not wanted:
        return []
    judged = {item.label or (item.image.label if item.image else "") for item in chosen.items}
    shown = {photo.pk for photo in chosen.photos.values()}
    items = {item.image.pk for item in chosen.items if item.image} | {image.pk for image in chosen.pool}
    patterns = document[section]["images"]
    free = matching(images, patterns) if patterns else list(images)
    free = [image for image in free if label_index(network, image) is not None and image.pk not in {*taken, *shown}]
    if len(free) < wanted:
        words = (
            f"= {wanted} {_need(wanted, 'labelled photo')} that no condition shows; {_there_are(free)}. "
            "Add images with labels, leave some out of the items, or lower the count."
        )
        raise DocumentError([Problem((section, "count"), words)])
    rng = drawn(document["seed"], section)
    rng.shuffle(free)
    # What is obvious is best of another class than what is judged; examples are best of the same.
    free.sort(key=lambda image: (image.pk in items, (image.label in judged) is not (section == "training")))
    return free[:wanted]


def balanced(document: Mapping[str, Any], items: Sequence[Item]) -> list[Item]:
    """As many items that the network gets right as ones that it gets wrong: all of the fewer, others by the seed."""
    kinds: dict[bool, list[Item]] = {True: [], False: []}
    for item in items:
        if "network_is_right" in item.strata:
            kinds[item.strata["network_is_right"]].append(item)
    count = min(map(len, kinds.values()))
    if not count:
        words = (
            f"= true, but of the {len(items)} images with known labels the network gets {len(kinds[True])} right and "
            f"{len(kinds[False])} wrong; name images of both kinds."
        )
        raise DocumentError([Problem(("items", "balanced"), words)])
    rng = drawn(document["seed"], "balanced")
    kept = {item.name for kind in (True, False) for item in rng.sample(kinds[kind], count)}
    return [item for item in items if item.name in kept]


def _need(count: int, thing: str) -> str:
    return f"needs {count} {thing}{'' if count == 1 else 's'}"


def _there_are(images: Sequence[Image]) -> str:
    return f"there {'is' if len(images) == 1 else 'are'} {names(images) or 'none'}"


def names(images: Sequence[Image]) -> str:
    """How many images and the first few of their names."""
    if not images:
        return ""
    shown = ", ".join(image.name for image in images[:SHOWN_NAMES])
    return f"{len(images)} ({shown}{', …' if len(images) > SHOWN_NAMES else ''})"
