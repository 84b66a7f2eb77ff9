"""The form that orders saliency maps or visualizations."""

from fnmatch import fnmatchcase
from typing import Any, cast

from django import forms

from attribution import plugins
from attribution.models import Image, Measurement, Network, OfNetwork, SaliencyMap, Visualization
from attribution.targets import Target
from study.dashboard import orders, predictions
from study.dashboard.forms.targets import TargetForm

ORDERS_AT_ONCE = 5000
KINDS: dict[str, type[OfNetwork]] = {"methods": SaliencyMap, "visualizations": Visualization}
TARGETS = [
    ("predicted", "the class that the network names first"),
    ("label", "the class that is the image’s label"),
    ("named", "the classes named below"),
    ("units", "the units named below"),
]


class OrderForm(TargetForm):
    """What of which network is computed; what a plug-in needs besides comes from its ParametersForm."""

    images = forms.CharField(
        help_text="Image names; <code>*</code> stands for anything: <code>*</code>, <code>coco_*</code>."
    )
    seed = forms.IntegerField(
        initial=0, min_value=0, max_value=2**62, help_text="The same seed gives the same picture."
    )

    def clean_images(self) -> list[Image]:
        pattern: str = self.cleaned_data["images"]
        found = [image for image in Image.objects.all() if fnmatchcase(image.name, pattern)]
        if not found:
            count = Image.objects.count()
            raise forms.ValidationError(f"None of the {count} images is named like “{pattern}”.")
        return found

    def _few(self, count: int) -> None:
        if count > ORDERS_AT_ONCE:
            raise forms.ValidationError(f"These are {count} pictures; {ORDERS_AT_ONCE} are the most at once.")


class MapsForm(OrderForm):
    """A method's maps of images, for a target each."""

    target = forms.ChoiceField(label="Of what", choices=TARGETS)
    field_order = ["network", "images", "target", "classes", "against", "units", "scalar", "seed"]

    def __init__(self, plugin: plugins.Plugin, *args: Any, **kwargs: Any) -> None:
        super().__init__(plugin, *args, **kwargs)
        self.fields["images"].initial = "*"
        if "units" not in self.fields:
            target = cast(forms.ChoiceField, self.fields["target"])
            target.choices = [choice for choice in TARGETS if choice[0] != "units"]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.errors:
            return data
        for field, wanted in (("classes", "named"), ("units", "units")):
            if data[field] and data["target"] != wanted:
                self.add_error(field, f"Choose “the {field} named below” to have these, or leave this empty.")
            elif not data[field] and data["target"] == wanted:
                self.add_error(field, f"Name at least one {'class' if field == 'classes' else 'unit'}.")
        if self.errors:
            return data
        finders = {"predicted": self._predicted, "label": self._labelled, "named": self._named, "units": self._units}
        data["pairs"] = finders[data["target"]](data["network"], data["images"])
        self._few(len(data["pairs"]))
        return data

    def rows(self, plugin: str, parameters: dict[str, Any]) -> list[OfNetwork]:
        """The stored rows, ordered where they are new."""
        made = [
            SaliencyMap(
                network=self.cleaned_data["network"],
                image=image,
                target=target.to_json(),
                plugin=plugin,
                parameters=dict(parameters),
                seed=self.cleaned_data["seed"],
            )
            for image, target in self.cleaned_data["pairs"]
        ]
        return list(SaliencyMap.order(made))

    def _named(self, network: Network, images: list[Image]) -> list[tuple[Image, Target]]:
        return [(image, target) for image in images for target in self.of_classes(self.cleaned_data["classes"])]

    def _units(self, network: Network, images: list[Image]) -> list[tuple[Image, Target]]:
        return [(image, target) for image in images for target in self.cleaned_data["units"]]

    def _labelled(self, network: Network, images: list[Image]) -> list[tuple[Image, Target]]:
        known = [network.class_of(image) for image in images]
        if strangers := [image.name for image, index in zip(images, known, strict=True) if index is None]:
            raise forms.ValidationError(
                f"{len(strangers)} of the images have no label that {network.name} knows, {strangers[0]} for one."
            )
        return list(zip(images, self.of_classes(index for index in known if index is not None), strict=True))

    def _predicted(self, network: Network, images: list[Image]) -> list[tuple[Image, Target]]:
        known = predictions.for_images(network, images)
        answers = [known[image.pk].best if image.pk in known else None for image in images]
        missing = [image for image, best in zip(images, answers, strict=True) if best is None]
        if missing:
            orders.send(Measurement.predictions(network, missing))
            raise forms.ValidationError(
                f"{network.name} has not been asked about {len(missing)} of the images. The workers are asking it now: "
                "send the form again in a moment."
            )
        return list(zip(images, self.of_classes(best.index for best in answers if best is not None), strict=True))


class VisualizationsForm(OrderForm):
    """A network's images of its own classes and units; some begin at a photo."""

    field_order = ["network", "classes", "against", "units", "images", "scalar", "seed"]

    def __init__(self, plugin: plugins.Plugin, *args: Any, **kwargs: Any) -> None:
        super().__init__(plugin, *args, **kwargs)
        self.fields["images"].label = "Beginning at the images"
        if "start" not in plugin.asks:
            del self.fields["images"]
        self.fields["classes"].required = "units" not in self.fields

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.errors:
            return data
        if not data["classes"] and not data["units"]:
            raise forms.ValidationError({"classes": "Name at least one class or unit."})
        data["targets"] = [*self.of_classes(data["classes"]), *data["units"]]
        self._few(len(data["targets"]) * len(data.get("images", [None])))
        return data

    def rows(self, plugin: str, parameters: dict[str, Any]) -> list[OfNetwork]:
        """The stored rows, ordered where they are new."""
        made = [
            Visualization(
                network=self.cleaned_data["network"],
                image=image,
                target=target.to_json(),
                plugin=plugin,
                parameters=dict(parameters),
                seed=self.cleaned_data["seed"],
            )
            for target in self.cleaned_data["targets"]
            for image in self.cleaned_data.get("images", [None])
        ]
        return list(Visualization.order(made))


FORMS: dict[str, type[MapsForm] | type[VisualizationsForm]] = {
    "methods": MapsForm,
    "visualizations": VisualizationsForm,
}


def menu() -> list[tuple[str, str, list[plugins.Plugin]]]:
    """What can be ordered: (kind, heading, plug-ins)."""
    headings = {"methods": "Saliency maps of images", "visualizations": "Visualizations of classes and units"}
    return [
        (
            kind,
            heading,
            [plugins.describe(f"attribution.{kind}", name) for name in plugins.names(f"attribution.{kind}")],
        )
        for kind, heading in headings.items()
    ]
