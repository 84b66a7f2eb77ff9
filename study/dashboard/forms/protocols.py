"""A protocol's parameters as a form; the protocol makes the study document."""

from typing import Any

from django import forms

from attribution import plugins
from attribution.models import Network
from study.dashboard.forms.parameters import ParametersForm
from study.dashboard.forms.studies import StudyForm

FOLDER = "study.protocols"


class ProtocolForm(ParametersForm, StudyForm):
    """One field for each parameter of a protocol; a network is chosen among those that are stored."""

    def __init__(self, protocol: str, data: Any = None) -> None:
        super().__init__(FOLDER, protocol, data)
        if "network" in self.fields:
            names = Network.objects.values_list("name", flat=True)
            self.fields["network"] = forms.ChoiceField(choices=[(name, name) for name in names])

    def document(self) -> dict[str, Any]:
        made: dict[str, Any] = plugins.load(FOLDER, self.described.name).document(**self.complete)
        return made
