"""A plug-in's parameters as a form, made from the defaults that its file declares; nothing is imported for it."""

from typing import Any

from django import forms

from attribution import plugins


class ParametersForm(forms.Form):
    """One field for each parameter of a plug-in. Valid data is complete: every parameter, checked by the plug-in."""

    def __init__(self, folder: str, plugin: str, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, prefix="parameters", **kwargs)
        self.described = plugins.describe(folder, plugin)
        for name, default in self.described.parameters.items():
            field = _field(name, default)
            if field is not None:
                self.fields[name] = field

    def clean(self) -> dict[str, Any]:
        given = {name: value for name, value in (super().clean() or {}).items() if name in self.described.parameters}
        try:
            return plugins.complete(self.described.folder, self.described.name, given)
        except plugins.PluginError as error:
            raise forms.ValidationError(str(error)) from error

    @property
    def complete(self) -> dict[str, Any]:
        """All parameters of a valid form."""
        return dict(self.cleaned_data)


def _field(name: str, default: object) -> forms.Field | None:
    words: dict[str, Any] = {"label": name.replace("_", " ").capitalize(), "initial": default}
    if isinstance(default, bool):
        return forms.BooleanField(required=False, **words)
    if isinstance(default, int):
        return forms.IntegerField(help_text=f"A whole number; {default} unless told.", **words)
    if isinstance(default, float):
        return forms.FloatField(
            help_text=f"A number; {default:g} unless told.", widget=forms.NumberInput(attrs={"step": "any"}), **words
        )
    if isinstance(default, str):
        return forms.CharField(required=default != "", max_length=500, **words)
    if isinstance(default, list | tuple):
        return LinesField(required=bool(default), help_text="One a line.", **words)
    if isinstance(default, dict):
        return forms.JSONField(required=bool(default), help_text="As JSON.", **words)
    return None  # a default of None is decided by the plug-in: it says nothing about what else would do


class LinesField(forms.CharField):
    """A list, one thing a line; a number where the line is one."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(each) for each in value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        lines = (line.strip() for line in str(value or "").splitlines())
        return [_number(line) for line in lines if line]


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
