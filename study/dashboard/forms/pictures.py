"""The form that orders saliency maps or visualizations."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from django import forms

from attribution import plugins
from attribution.models import Image, Measurement, Network, OfNetwork, SaliencyMap, Visualization
from attribution.targets import SCALARS, Scalar, Target
from study.dashboard import orders, predictions

ORDERS_AT_ONCE = 5000
KINDS: dict[str, type[OfNetwork]] = {"methods": SaliencyMap, "visualizations": Visualization}
SCALAR_WORDS = {
    "logit": "its score (logit)",
    "logit_before_relu": "its score before the network’s last ReLU",
    "margin": "its score above all others (margin)",
    "log_probability": "its log probability",
    "probability": "its probability",
}


class OrderForm(forms.Form):
    """What of which network is computed; what a plug-in needs besides comes from its ParametersForm."""

    network = forms.ModelChoiceField(Network.objects.all(), to_field_name="name", empty_label=None)
    scalar = forms.ChoiceField(
        label="What is explained of a class", choices=[(name, SCALAR_WORDS.get(name, name)) for name in SCALARS]
    )
    seed = forms.IntegerField(
        initial=0, min_value=0, max_value=2**62, help_text="The same seed gives the same picture."
    )

    def targets(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        scalar: Scalar = self.cleaned_data["scalar"]
        return [Target(index=index, scalar=scalar).to_json() for index in indices]

    def _classes(self, words: str) -> list[int]:
        """Class names or indices, one a line or separated by semicolons -> indices; says which are unknown."""
        network: Network = self.cleaned_data["network"]
        given = [word.strip() for line in words.splitlines() for word in line.split(";") if word.strip()]
        indices, problems = [], []
        for word in given:
            try:
                indices.append(network.find(word))
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise forms.ValidationError({"classes": problems})
        return indices


class MapsForm(OrderForm):
    """A method's maps of images, for a class each."""

    images = forms.CharField(
        initial="*", help_text="Image names; <code>*</code> stands for anything: <code>*</code>, <code>coco_*</code>."
    )
    target = forms.ChoiceField(
        label="Of which class",
        choices=[
            ("predicted", "the one the network names first"),
            ("label", "the image’s label"),
            ("named", "the classes named below"),
        ],
    )
    classes = forms.CharField(required=False, widget=forms.Textarea, help_text="Class names or indices, one a line.")
    field_order = ["network", "images", "target", "classes", "scalar", "seed"]

    def clean_images(self) -> list[Image]:
        pattern: str = self.cleaned_data["images"]
        found = [image for image in Image.objects.all() if fnmatchcase(image.name, pattern)]
        if not found:
            count = Image.objects.count()
            raise forms.ValidationError(f"None of the {count} images is named like “{pattern}”.")
        return found

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not {"network", "images", "target"} <= set(data):
            return data
        finders = {"predicted": self._predicted, "label": self._labelled, "named": self._named}
        data["pairs"] = finders[data["target"]](data["network"], data["images"])
        if len(data["pairs"]) > ORDERS_AT_ONCE:
            raise forms.ValidationError(f"These are {len(data['pairs'])} maps; {ORDERS_AT_ONCE} are the most at once.")
        return data

    def rows(self, plugin: str, parameters: dict[str, Any]) -> list[OfNetwork]:
        """The stored rows, ordered where they are new."""
        images, indices = zip(*self.cleaned_data["pairs"], strict=True)
        made = [
            SaliencyMap(
                network=self.cleaned_data["network"],
                image=image,
                target=target,
                plugin=plugin,
                parameters=dict(parameters),
                seed=self.cleaned_data["seed"],
            )
            for image, target in zip(images, self.targets(indices), strict=True)
        ]
        return list(SaliencyMap.order(made))

    def _named(self, network: Network, images: list[Image]) -> list[tuple[Image, int]]:
        indices = self._classes(self.cleaned_data.get("classes", ""))
        if not indices:
            raise forms.ValidationError({"classes": "Name at least one class."})
        return [(image, index) for image in images for index in indices]

    def _labelled(self, network: Network, images: list[Image]) -> list[tuple[Image, int]]:
        known = [(image, network.class_of(image)) for image in images]
        if strangers := [image.name for image, index in known if index is None]:
            raise forms.ValidationError(
                f"{len(strangers)} of the images have no label that {network.name} knows, {strangers[0]} for one."
            )
        return [(image, index) for image, index in known if index is not None]

    def _predicted(self, network: Network, images: list[Image]) -> list[tuple[Image, int]]:
        known = predictions.for_images(network, images)
        answers = [(image, known[image.pk].best if image.pk in known else None) for image in images]
        missing = [image for image, best in answers if best is None]
        if missing:
            orders.send(Measurement.predictions(network, missing))
            raise forms.ValidationError(
                f"{network.name} has not been asked about {len(missing)} of the images. The workers are asking it now: "
                "send the form again in a moment."
            )
        return [(image, best.index) for image, best in answers if best is not None]


class VisualizationsForm(OrderForm):
    """A network's images of its own classes."""

    classes = forms.CharField(widget=forms.Textarea, help_text="Class names or indices, one a line.")
    field_order = ["network", "classes", "scalar", "seed"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "network" in data and "classes" in data:
            data["indices"] = self._classes(data["classes"])
        return data

    def rows(self, plugin: str, parameters: dict[str, Any]) -> list[OfNetwork]:
        """The stored rows, ordered where they are new."""
        made = [
            Visualization(
                network=self.cleaned_data["network"],
                target=target,
                plugin=plugin,
                parameters=dict(parameters),
                seed=self.cleaned_data["seed"],
            )
            for target in self.targets(self.cleaned_data["indices"])
        ]
        return list(Visualization.order(made))


FORMS: dict[str, type[MapsForm] | type[VisualizationsForm]] = {
    "methods": MapsForm,
    "visualizations": VisualizationsForm,
}


def menu() -> list[tuple[str, str, list[plugins.Plugin]]]:
    """What can be ordered: (kind, heading, plug-ins)."""
    headings = {"methods": "Saliency maps of images", "visualizations": "Visualizations of classes"}
    return [
        (
            kind,
            heading,
            [plugins.describe(f"attribution.{kind}", name) for name in plugins.names(f"attribution.{kind}")],
        )
        for kind, heading in headings.items()
    ]
