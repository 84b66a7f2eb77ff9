"""What a network says of images, as the workers stored it, beside what the images are labelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, QuerySet, When

from attribution.models import Image, Measurement, Network, State


@dataclass(frozen=True)
class Answer:
    """One class that a network names for an image."""

    index: int
    label: str
    probability: float

    @property
    def percent(self) -> str:
        return f"{100 * self.probability:.1f} %"


@dataclass(frozen=True)
class Prediction:
    """A network's prediction for one image: where its computing stands, its best answers, and whether it is right."""

    state: str
    error: str = ""
    answers: tuple[Answer, ...] = ()
    is_correct: bool | None = None  # None where the image has no label that the network could name

    @property
    def best(self) -> Answer | None:
        return self.answers[0] if self.answers else None


def for_images(network: Network, images: Sequence[Image]) -> dict[int, Prediction]:
    """Image's id -> prediction, for those that were ever asked for."""
    rows = _asked(network).filter(images__in=images)
    stored = {row.image_hashes[0]: row for row in rows if len(row.image_hashes) == 1}
    return {
        image.pk: _prediction(network, image, stored[image.content_hash])
        for image in images
        if image.content_hash in stored
    }


def labelled_first() -> QuerySet[Image]:
    """All images, those whose label says what is right before the others."""
    return Image.objects.alias(is_unlabelled=Case(When(label="", then=1), default=0)).order_by(
        "is_unlabelled", "label", "name"
    )


def right_and_wrong(network: Network) -> tuple[int, int]:
    """How many labelled images the network gets right and wrong at its first answer."""
    labels = Image.objects.order_by().values_list("label", "label_index")
    classes = {pair: network.class_of(Image(label=pair[0], label_index=pair[1])) for pair in labels.distinct()}
    stored = Image.objects.order_by().values_list("content_hash", "label", "label_index")
    right = {digest: classes[label, index] for digest, label, index in stored}
    asked = _asked(network).filter(state=State.DONE).values_list("image_hashes", "table")
    verdicts = [
        any(line["rank"] == 1 and line["index"] == known for line in table)
        for hashes, table in asked
        if len(hashes) == 1 and (known := right.get(hashes[0])) is not None
    ]
    return verdicts.count(True), verdicts.count(False)


def _asked(network: Network) -> Any:
    return Measurement.objects.filter(plugin="predictions", network=network, randomized_seed=None).order_by("pk")


def _prediction(network: Network, image: Image, row: Measurement) -> Prediction:
    if row.state != State.DONE:
        return Prediction(state=row.state, error=row.error)
    ranked = sorted(row.table, key=lambda line: int(line["rank"]))
    answers = tuple(Answer(int(line["index"]), str(line["label"]), float(line["probability"])) for line in ranked)
    right = network.class_of(image)
    is_correct = None if right is None or not answers else answers[0].index == right
    return Prediction(state=row.state, answers=answers, is_correct=is_correct)
