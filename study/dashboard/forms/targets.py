"""What is explained of a network, as a form asks for it: classes, contrasts of two classes, units."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django import forms

from attribution.models import Network
from attribution.plugins import Plugin
from attribution.targets import SCALARS, Target

SCALAR_WORDS = {
    "logit": "its score (logit)",
    "logit_before_relu": "its score before the network’s last ReLU",
    "margin": "its score above all others (margin)",
    "log_probability": "its log probability",
    "probability": "its probability",
}
Read = TypeVar("Read")


class TargetForm(forms.Form):
    """A network and the targets of it; only those fields that the plug-in can use."""

    network = forms.ModelChoiceField(Network.objects.all(), to_field_name="name", empty_label=None)
    classes = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="Class names or indices, one a line."
    )
    against = forms.CharField(
        label="Minus which class",
        required=False,
        max_length=200,
        help_text="Explains the difference of the two classes’ logits instead of one class’s score.",
    )
    units = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Channels of a layer, one a line, as <code>module:channel</code>, such as "
        "<code>block4.activation:7</code>; with <code>:row,column</code> behind it at one position only.",
    )
    scalar = forms.ChoiceField(
        label="What is explained of a class", choices=[(name, SCALAR_WORDS.get(name, name)) for name in SCALARS]
    )

    def __init__(self, plugin: Plugin, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, field in (("contrast", "against"), ("unit", "units")):
            if kind not in plugin.explains:
                del self.fields[field]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        network: Network | None = data.get("network")
        if network is None:
            return data
        data["classes"] = self._each("classes", network.find)
        data["against"] = next(iter(self._each("against", network.find)), None)
        data["units"] = self._each("units", Target.of_unit)
        if data["against"] is not None and data.get("scalar") != "logit":
            words = f"A contrast is a difference of two logits: choose “{SCALAR_WORDS['logit']}”, or leave this empty."
            self.add_error("against", words)
        return data

    def of_classes(self, indices: Iterable[int]) -> list[Target]:
        """The targets of these classes, or of their contrasts with the class to subtract."""
        data, given = self.cleaned_data, list(indices)
        if data.get("against") in given:
            name = data["network"].label(data["against"])
            raise forms.ValidationError({"against": f"“{name}” minus itself is 0 everywhere: name another class."})
        return [Target(index=index, against=data.get("against"), scalar=data["scalar"]) for index in given]

    def _each(self, field: str, read: Callable[[str], Read]) -> list[Read]:
        """What each line, or part between semicolons, stands for; the field's errors say which stand for nothing."""
        found, problems = [], []
        for word in re.split(r"[;\n]", self.cleaned_data.get(field) or ""):
            try:
                found += [read(word.strip())] if word.strip() else []
            except ValueError as error:
                problems.append(str(error))
        if problems:
            self.add_error(field, problems)
        return found
