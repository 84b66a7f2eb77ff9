"""Which images, classes and networks an examination is about, where nobody says so."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from attribution.models import Image, Network


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


def shown_first(network: Network, images: Sequence[Image], index: int) -> list[Image]:
    """The same images, one of the class ``index`` first where there is one."""
    first = next((image for image in images if network.class_of(image) == index), None)
    return [image for image in (first, *(one for one in images if one is not first)) if image is not None]


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
