"""Which picture a condition shows of an item: the controls are resolved here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attribution import plugins
from attribution.models import Image, Network, Picture, SaliencyMap, Visualization
from attribution.targets import Target
from study import trials

from .document_conditions import pictured, source_of
from .models import Condition, Item, Study
from .selection import DocumentError, Selection, drawn
from .texts import Problem

# What the controls draw, stored with each condition.
CONTROL_RULES = {
    "other_class": (
        "The same method's map of the same photo for another class, drawn by the study's seed from the classes of the "
        "other items (or, where those do not suffice, of the network) that are neither the target, nor the photo's "
        "label, nor offered as an alternative."
    ),
    "other_image": (
        "The same method's map of another item's photo for that item's target, drawn by the study's seed from the "
        "items with another target, shown in the place of this photo's map."
    ),
    "randomized_network": (
        "The same on the network with every weight tensor shuffled within itself by the seed stored here, and its "
        "channels scaled to respond to images again (attribution.networks.randomized)."
    ),
}


@dataclass
class Source:
    """Everything that the stimuli of one study are made from."""

    study: Study
    network: Network
    selection: Selection
    items: list[Item]
    conditions: list[Condition]

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = self.study.document
        return document

    @property
    def presented(self) -> list[Condition]:
        """The conditions that are shown to somebody: where any compare others, those."""
        return [one for one in self.conditions if one.specification["compare"]] or self.conditions

    def condition(self, name: str) -> Condition:
        return next(one for one in self.conditions if one.name == name)


def photo_picture(source: Source, image: Image) -> Picture:
    """The photo as the network sees it, as large as the pictures that it stands among."""
    enlarge = pictured(source.document)[0]["rendering"]["enlarge"]
    return Picture(plugin="photo", parameters={"enlarge": enlarge}, image=image, network=source.network)


def explanation_pictures(
    source: Source, item: Item, condition: Condition, compositions: Mapping[str, trials.Composition]
) -> list[Picture]:
    """What a condition shows of an item: one picture, or as many of a unit as the items’ ``references`` say."""
    if "module" not in item.truth:
        return [explanation_picture(source, item, condition, compositions)]
    what = condition.specification
    rendering = {name: value for name, value in what["rendering"].items() if name != "display"}
    if what["photo"]:
        photos = source.selection.references[item.name]
        return [Picture(plugin="photo", parameters=rendering, image=one, network=source.network) for one in photos]
    count = source.document["items"]["references"]
    target = Target(module=item.truth["module"], channel=item.truth["channel"])
    made = [_visualization(source, what, target, number, count) for number in range(count)]
    display = what["rendering"]["display"]
    return [Picture(plugin=display, parameters=rendering, visualization=one, index=index) for one, index in made]


def explanation_picture(
    source: Source,
    item: Item,
    condition: Condition,
    compositions: Mapping[str, trials.Composition],
    index_of_class: int | None = None,
) -> Picture:
    """The item's picture under a condition: for the item's class, or for another one that a task asks for."""
    what = condition.specification
    wanted = item.truth["index"] if index_of_class is None else index_of_class
    kind = source_of(what)
    rendering = {name: value for name, value in what["rendering"].items() if name != "display"}
    if kind == "photo":
        photo = item.image or source.selection.photos[item.name]
        return Picture(plugin="photo", parameters=rendering, image=photo, network=source.network)
    display = what["rendering"]["display"]
    seed = what.get("randomized_seed")
    if kind == "visualization":
        number, count = int(item.truth["number"]), source.document["items"]["per_class"]
        visualization, index = _visualization(source, what, Target(index=wanted), number, count)
        return Picture(plugin=display, parameters=rendering, visualization=visualization, index=index)
    target, image = Target(index=wanted), item.image
    if what["control"] == "other_class":
        target = Target(index=_other_class(source, item, condition, compositions))
    elif what["control"] == "other_image":
        other = _other_image(source, item, condition)
        target, image = Target(index=other.truth["index"] if index_of_class is None else wanted), other.image
    saliency_map = SaliencyMap(
        plugin=what["method"],
        parameters=dict(what["parameters"]),
        network=source.network,
        randomized_seed=seed,
        image=image,
        target=target.to_json(),
        seed=source.document["seed"],
    )
    # The photo beneath an overlay is always the item's own; a map alone has none, whosever it is.
    beneath = {"image": item.image, "network": source.network} if display == "overlay" else {}
    return Picture(plugin=display, parameters=rendering, saliency_map=saliency_map, **beneath)


def _visualization(
    source: Source, what: Mapping[str, Any], target: Target, number: int, count: int
) -> tuple[Visualization, int]:
    """The visualization of a target, and where in it the image ``number`` of ``count`` is: restarts of one ascent, or
    seeds."""
    declared = plugins.describe("attribution.visualizations", what["visualization"]).parameters
    parameters, seed = dict(what["parameters"]), source.document["seed"]
    if "restarts" in declared:
        parameters["restarts"] = max(count, parameters.get("restarts", 1))
        index = number
    else:
        seed, index = seed + number, 0
    visualization = Visualization(
        plugin=what["visualization"],
        parameters=parameters,
        network=source.network,
        randomized_seed=what.get("randomized_seed"),
        target=target.to_json(),
        seed=seed,
    )
    return visualization, index


def _other_class(
    source: Source, item: Item, condition: Condition, compositions: Mapping[str, trials.Composition]
) -> int:
    offered = {text.text for one in compositions.values() for text in one.texts if text.role == "alternative"}
    own = {item.truth["class"], item.strata.get("label", item.truth["class"])}
    labels = source.network.labels
    rng = drawn(source.document["seed"], "other_class", item.name, condition.name)
    for pool in ({other.truth["class"] for other in source.items} - offered, set(labels) - offered, set(labels)):
        if candidates := sorted(pool - own):
            return int(labels.index(rng.choice(candidates)))
    words = f"“{item.name}”: {source.network} has no class besides {', '.join(sorted(own))}."
    raise DocumentError([Problem(("conditions", condition.name, "control"), words)])


def _other_image(source: Source, item: Item, condition: Condition) -> Item:
    others = [other for other in source.items if other.truth["index"] != item.truth["index"]]
    if not others:
        words = f"“{item.name}”: all items have the target “{item.truth['class']}”, so there is no other image's map."
        raise DocumentError([Problem(("conditions", condition.name, "control"), words)])
    return drawn(source.document["seed"], "other_image", item.name, condition.name).choice(others)


def wanted_picture(
    source: Source,
    item: Item,
    condition: Condition,
    wanted: trials.Wanted,
    compositions: Mapping[str, trials.Composition],
) -> Picture:
    """The picture that a composition asks for besides the condition's own."""
    if wanted.image:
        return photo_picture(source, stored_image(wanted.image))
    if wanted.condition:
        return explanation_picture(source, item, source.condition(wanted.condition), compositions)
    what = condition.specification
    if source_of(what) == "photo" or what["control"] == "other_class":
        words = f"shows the same for every class, but a task asks for a picture for “{wanted.target}”."
        raise DocumentError([Problem(("conditions", condition.name), words)])
    return explanation_picture(source, item, condition, compositions, source.network.labels.index(wanted.target))


def stored_image(name: str) -> Image:
    image = Image.objects.filter(name=name).first()
    if image is None:
        raise DocumentError([Problem(("tasks",), f"ask for the photo “{name}”, which is not stored; add it first.")])
    return image
