"""What is assumed for a power analysis; what is left empty is taken from the study or from usual values."""

import re
from typing import Any

from django import forms

from study.models import Study

NUMBERS = re.compile(r"\s*\d{1,6}(\s*,\s*\d{1,6}){0,9}\s*")
MOST_PARTICIPANTS, MOST_ITEMS = 5000, 2000


class PowerForm(forms.Form):
    """Percentages here, fractions in ``given``."""

    effect = forms.FloatField(
        required=False,
        min_value=0,
        help_text="Percentage points, or points of the scale; empty is the smallest effect of interest.",
    )
    participants = forms.CharField(required=False, help_text="Recruited, such as <code>20, 40, 80</code>.")
    items = forms.CharField(required=False, help_text="Such as <code>12, 24, 48</code>; empty is around its own.")
    dropout = forms.FloatField(
        label="Drop-out", initial=10, min_value=0, max_value=90, help_text="% who do not finish."
    )
    target = forms.FloatField(label="Wanted power", initial=80, min_value=5, max_value=99, help_text="%.")
    cost = forms.FloatField(label="Cost of a participant", initial=0, min_value=0, help_text="In any currency.")
    simulations = forms.IntegerField(initial=1000, min_value=100, max_value=10_000, help_text="Of each cell, at most.")

    def clean_participants(self) -> list[int]:
        return self._numbers("participants", MOST_PARTICIPANTS)

    def clean_items(self) -> list[int]:
        return self._numbers("items", MOST_ITEMS)

    def _numbers(self, name: str, most: int) -> list[int]:
        text = self.cleaned_data[name]
        if not text.strip():
            return []
        if not NUMBERS.fullmatch(text):
            raise forms.ValidationError("Write up to ten whole numbers with commas between them, such as 20, 40, 80.")
        found = [int(part) for part in text.split(",")]
        if max(found) > most:
            raise forms.ValidationError(f"At most {most} {name} can be simulated here.")
        return found

    def given(self, study: Study) -> dict[str, Any]:
        """As ``study.power.ask`` takes it."""
        said = self.cleaned_data
        unit = 1.0 if study.document["analysis"]["primary"].startswith("rating") else 0.01
        found: dict[str, Any] = {
            "dropout": said["dropout"] / 100,
            "target": said["target"] / 100,
            "cost": said["cost"],
            "simulations": said["simulations"],
        }
        if said["effect"] is not None:
            found["effect"] = said["effect"] * unit
        return found | {name: said[name] for name in ("participants", "items") if said[name]}
