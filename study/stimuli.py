"""What is shown: each item under each condition becomes a stimulus with its pictures, texts and key.

Texts and keys are drawn by item and task alone, so that every condition of an item
offers the same alternatives; nothing in a slot's order, a name or an address says which is right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from attribution.models import Computation, Image, Measurement, Network, Picture, SaliencyMap, State, Visualization
from attribution.view import View
from study import trial_types, trials

from .condition_pictures import (
    Source,
    explanation_picture,
    explanation_pictures,
    photo_picture,
    stored_image,
    wanted_picture,
)
from .document import options_of
from .models import Condition, Item, Stimulus, StimulusSlot
from .selection import DocumentError, drawn, label_index
from .texts import Path, Problem


@dataclass
class Shown:
    """A stimulus that is about to be stored, and its slots, whose pictures may be stored already under other rows."""

    stimulus: Stimulus
    slots: list[StimulusSlot]


def judged(item: Item, condition: Condition | None = None) -> trials.Item:
    """An item as trial types see it, under a condition that may compare others."""
    says = {name: item.measurements[name] for name in ("predicted", "probability") if name in item.measurements}
    compared = condition.specification["compare"] if condition else ()
    return trials.Item(item.name, {**item.truth, **says}, item.strata, compared)


def boxes_of(item: Item, network: Network) -> list[list[float]]:
    """The boxes around the item's class in its photo, as far as they are known and seen: fractions of the view."""
    image, view = item.image, View(network.view_resize, network.view_size)
    if image is None:
        return []
    found = []
    for box in image.boxes:
        if str(box["object"]).casefold() == str(item.truth["class"]).casefold():
            left, top, right, bottom = (float(box[side]) for side in ("left", "top", "right", "bottom"))
            seen = view.box(left, top, right, bottom, width=image.width, height=image.height)
            left, top, right, bottom = (round(value / view.size, 5) for value in seen)
            if left < right and top < bottom:
                found.append([left, top, right, bottom])
    return found


def settle_truth(document: Mapping[str, Any], network: Network, items: Sequence[Item]) -> None:
    """Note on image items what the network says of them and which class is their target."""
    of_image = {item.image: item for item in items if item.image is not None}
    tables = {row.image_hashes[0]: row.table for row in Measurement.predictions(network, list(of_image))}
    wants_label = document["items"]["target"] == "label"
    for image, item in of_image.items():
        first = min(tables[image.content_hash], key=lambda row: row["rank"])
        label = label_index(network, image)
        index = label if wants_label and label is not None else int(first["index"])
        item.truth = {"class": network.label(index), "index": index}
        item.measurements = {"predicted": first["label"], "logit": first["logit"], "probability": first["probability"]}
        if label is not None:
            item.strata = {"label": image.label, "network_is_right": label == first["index"]}


def build(source: Source, training: Sequence[Item] = ()) -> list[Computation]:
    """Store every stimulus of the study with its slots; returns what has to be computed for them, in order."""
    shown = [_main(source, item, condition) for item in source.items for condition in source.presented]
    # Controls that take another item's class or photo take it from the examples here, never from what is judged.
    learning = replace(source, items=list(training))
    shown += [_example(learning, item, condition) for item in training for condition in source.presented]
    for section in ("practice", "catch"):
        for number, image in enumerate(getattr(source.selection, section), start=1):
            shown.append(_obvious(source, section, number, image))
    ordered = _order(shown)
    Stimulus.objects.bulk_create([one.stimulus for one in shown])
    for one in shown:
        for position, slot in enumerate(one.slots):
            slot.stimulus, slot.position = one.stimulus, position
    StimulusSlot.objects.bulk_create([slot for one in shown for slot in one.slots])
    return ordered


def _order(shown: list[Shown]) -> list[Computation]:
    """Store what the pictures are made from, then the pictures, each once, and point the stimuli at the stored rows."""
    ordered: list[Computation] = []
    slots = [slot for one in shown for slot in one.slots if slot.picture]
    pictures: list[Picture] = [slot.picture for slot in slots if slot.picture]
    for kind, field in ((SaliencyMap, "saliency_map"), (Visualization, "visualization")):
        having = [picture for picture in pictures if getattr(picture, field) is not None]
        rows: list[Any] = kind.order([getattr(picture, field) for picture in having])
        for picture, row in zip(having, rows, strict=True):
            setattr(picture, field, row)
        ordered += rows
    stored = Picture.order(pictures)
    ordered += stored
    for slot, picture in zip(slots, stored, strict=True):
        slot.picture = picture
    return [row for row in dict.fromkeys(ordered) if row.state == State.PENDING]


def _compose(source: Source, item: trials.Item, section: Path = ("tasks",)) -> dict[str, trials.Composition]:
    made = {}
    listed = source.document["tasks"] if section == ("tasks",) else source.document["training"]["tasks"]
    for number, task in enumerate(listed):
        options = options_of(task, source.document["languages"][0])
        rng = drawn(source.document["seed"], "composition", item.name, task["name"])
        try:
            plugin = trial_types.load(task["trial_type"])
            made[task["name"]] = plugin.compose(item, [judged(one) for one in source.items], options, rng)
        except trials.OptionError as error:
            raise DocumentError([Problem((*section, number, "options"), str(error))]) from error
    return made


def _example(source: Source, item: Item, condition: Condition) -> Shown:
    """A photo to learn from, with its map under a condition: what the condition “photo” has without one."""
    compositions = _compose(source, judged(item, condition), ("training", "tasks"))
    stimulus = Stimulus(
        study=source.study,
        name=f"training: {stimulus_name(item.name, condition.name)}",
        item=item,
        condition=condition,
        key=_keys(compositions),
        is_training=True,
    )
    slots = []
    if item.image:
        slots.append(StimulusSlot(role="photo", picture=photo_picture(source, item.image)))
    if not condition.specification["photo"]:
        own = explanation_picture(source, item, condition, compositions)
        slots.append(StimulusSlot(role="explanation", picture=own))
    for task, composition in compositions.items():
        if composition.pictures:
            words = f"shows an example's own pictures, but “{task}” is about others."
            raise DocumentError([Problem(("training", "tasks"), words)])
    return Shown(stimulus, slots + _texts(compositions))


def _main(source: Source, item: Item, condition: Condition) -> Shown:
    asked = replace(judged(item, condition), boxes=boxes_of(item, source.network))
    compositions = _compose(source, asked)
    stimulus = Stimulus(
        study=source.study,
        name=stimulus_name(item.name, condition.name),
        item=item,
        condition=condition,
        key=_keys(compositions),
    )
    slots = []
    if not condition.specification["compare"]:
        own = explanation_pictures(source, item, condition, compositions)
        slots += [StimulusSlot(role="explanation", picture=picture) for picture in own]
    if item.image and _showing(source.document, "photo"):
        slots.append(StimulusSlot(role="photo", picture=photo_picture(source, item.image)))
    slots += _texts(compositions)
    for task, composition in compositions.items():
        for wanted in composition.pictures:
            picture = wanted_picture(source, item, condition, wanted, compositions)
            if wanted.copy:
                picture.scale_group = _alone(source, stimulus.name, task, wanted.copy)
            shown = source.condition(wanted.condition) if wanted.condition else None
            slots.append(StimulusSlot(role=wanted.role, picture=picture, text=wanted.text, task=task, condition=shown))
    return Shown(stimulus, slots)


def _alone(source: Source, *purpose: object) -> str:
    """A scale group that nothing else is in: the same picture once more, as another row under an address of its own.

    A screen shows each address once."""
    return f"{drawn(source.document['seed'], 'copy', *purpose).getrandbits(128):032x}"


def _keys(compositions: Mapping[str, trials.Composition]) -> dict[str, Any]:
    return {task: dict(composition.key) for task, composition in compositions.items() if composition.key}


def _texts(compositions: Mapping[str, trials.Composition]) -> list[StimulusSlot]:
    return [
        StimulusSlot(role=text.role, text=text.text, task=task)
        for task, composition in compositions.items()
        for text in composition.texts
    ]


def stimulus_name(item: str, condition: str) -> str:
    """What a stimulus is called on the server."""
    return f"{item} / {condition}"


def _obvious(source: Source, section: str, number: int, image: Image) -> Shown:
    index = label_index(source.network, image)
    item = trials.Item(f"{section} {number}", {"class": image.label, "index": index, **_obvious_pair(source, image)})
    compositions = _compose(source, item)
    stimulus = Stimulus(
        study=source.study,
        name=item.name,
        key=_keys(compositions),
        is_practice=section == "practice",
        is_catch=section == "catch",
    )
    slots = [StimulusSlot(role="explanation", picture=photo_picture(source, image))]
    # A task that shows the photo alone has it here too; one that shows a map beside it has no map to show.
    alone = [
        task for task in _showing(source.document, "photo") if task not in _showing(source.document, "explanation")
    ]
    slots += [StimulusSlot(role="photo", picture=photo_picture(source, image), task=task) for task in alone]
    slots += _texts(compositions)
    for task, composition in compositions.items():
        for wanted in composition.pictures:
            if not wanted.image:
                words = f"shows single photos, but “{task}” is about several pictures; it should be 0."
                raise DocumentError([Problem((section, "count"), words)])
            picture = photo_picture(source, stored_image(wanted.image))
            if wanted.image == image.name:
                picture.scale_group = _alone(source, stimulus.name, task)
            slots.append(StimulusSlot(role=wanted.role, picture=picture, text=wanted.text, task=task))
    return Shown(stimulus, slots)


def _obvious_pair(source: Source, image: Image) -> dict[str, str]:
    """Where units are judged: the photo that is shown itself, and one of another class; {} otherwise."""
    if not source.selection.pool:
        return {}
    others = [one.name for one in source.selection.pool if one.label != image.label]
    if not others:
        words = f"are all of the class “{image.label}”; what is obvious needs a photo of another one."
        raise DocumentError([Problem(("items", "images"), words)])
    return {"right": image.name, "other": drawn(source.document["seed"], "obvious", image.name).choice(others)}


def _showing(document: Mapping[str, Any], role: str) -> list[str]:
    """The tasks that show the pictures of a role."""
    language = document["languages"][0]
    return [task["name"] for task in document["tasks"] if role in options_of(task, language).get("panels", ())]
