"""The form that a checkpoint comes with."""

import hashlib
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from attribution import plugins
from attribution.models import Network, NetworkUpload

CHECKPOINT_BYTES = 4 * 2**30
LABELS_BYTES = 2**20


class NetworkForm(forms.Form):
    """A checkpoint, how it is loaded, and the names of its classes. Nothing of the checkpoint is read here."""

    name = forms.SlugField(
        max_length=80, help_text="Letters, digits, hyphens and underscores, such as <code>squeezenet</code>."
    )
    checkpoint = forms.FileField(
        help_text="A <code>.safetensors</code> file, or a <code>.pth</code> with a plain state dict. "
        "Files that carry code are refused.",
    )
    labels = forms.FileField(
        required=False,
        help_text="A text file with one class name a line, in the order of the network’s outputs. "
        "Without it ImageNet’s names are taken, where the number of classes fits.",
    )
    source = forms.CharField(
        required=False, max_length=2000, help_text="Where the weights come from, who trained them, under which licence."
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Network.objects.filter(name=name).exists():
            raise forms.ValidationError(f"There is a network “{name}” already; choose another name.")
        return name

    def clean_checkpoint(self) -> "UploadedFile[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["checkpoint"]
        if (file.size or 0) > CHECKPOINT_BYTES:
            raise forms.ValidationError(f"{file.name} is larger than {CHECKPOINT_BYTES // 2**30} GiB.")
        return file

    def clean_labels(self) -> list[str]:
        file: UploadedFile[bytes] | None = self.cleaned_data["labels"]
        if file is None:
            return []
        if (file.size or 0) > LABELS_BYTES:
            raise forms.ValidationError(f"{file.name} is larger than 1 MiB; it should hold one class name a line.")
        try:
            lines = file.read().decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise forms.ValidationError(
                f"{file.name} is not UTF-8 text; it should hold one class name a line."
            ) from None
        while lines and not lines[-1].strip():
            lines.pop()
        if empty := [number for number, line in enumerate(lines, start=1) if not line.strip()]:
            raise forms.ValidationError(f"{file.name}, line {empty[0]} is empty; every class needs a name.")
        return [line.strip() for line in lines]

    def upload(self, plugin: str, parameters: dict[str, Any]) -> NetworkUpload:
        """The row that waits for a worker's check; which may be the one that waits already."""
        file: UploadedFile[bytes] = self.cleaned_data["checkpoint"]
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        return NetworkUpload(
            plugin=plugin,
            parameters=parameters,
            name=self.cleaned_data["name"],
            file=file,
            file_name=str(file.name)[:200],
            file_hash=digest.hexdigest(),
            labels=self.cleaned_data["labels"],
            source=self.cleaned_data["source"],
        ).send()


def kinds() -> list[plugins.Plugin]:
    """The ways to come by a network."""
    return [plugins.describe("attribution.networks", name) for name in plugins.names("attribution.networks")]
