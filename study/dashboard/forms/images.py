"""The form that images come with: several files or zip archives, with tables of labels and boxes."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from attribution import images
from attribution.files import Archive, FileError, NamedFile, from_form, in_archive

FILES_AT_ONCE = 300


class SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class SeveralFilesField(forms.FileField):
    """Any number of files: a list of UploadedFile."""

    widget = SeveralFilesInput

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[bytes]]":
        sent = (data or [None]) if isinstance(data, list | tuple) else [data]
        return [super(SeveralFilesField, self).clean(file, initial) for file in sent]


class ImagesForm(forms.Form):
    """Images with what is known of them; all of them are added or none."""

    pictures = SeveralFilesField(
        label="Images",
        help_text="Photos (JPEG, PNG, WebP, GIF, BMP, TIFF), or a zip archive of them that may hold "
        f"<code>labels.csv</code>, <code>boxes.csv</code> and a folder <code>masks</code>. At most {FILES_AT_ONCE} at "
        "once; for more there is <code>python manage.py add_images</code>.",
    )
    labels = forms.FileField(
        label="labels.csv", required=False, help_text="Columns <code>file, label_index, label</code>; others are kept."
    )
    boxes = forms.FileField(
        label="boxes.csv",
        required=False,
        help_text="Columns <code>file, object, left, top, right, bottom</code>, in pixels.",
    )
    source = forms.CharField(required=False, max_length=2000, help_text="Where the images come from.")
    licence = forms.CharField(required=False, max_length=200, help_text="Under which licence you may show them.")

    def add(self) -> images.Added | None:
        """Store the images; None where they were refused, with a sentence for every file in the form's errors."""
        try:
            sent = self._sorted(self.cleaned_data["pictures"])
            if not (sent.images or sent.masks or sent.tables):
                raise FileError(["There is no image in it; an archive holds photos, not other archives."])
            if len(sent.images) > FILES_AT_ONCE:
                raise FileError([f"These are {len(sent.images)} images; {FILES_AT_ONCE} are the most at once."])
            return images.add(
                sent.images,
                labels=sent.tables.get("labels.csv"),
                boxes=sent.tables.get("boxes.csv"),
                masks=sent.masks,
                source=self.cleaned_data["source"],
                licence=self.cleaned_data["licence"],
            )
        except FileError as error:
            self.add_error("pictures", list(error.problems))
            return None

    def _sorted(self, sent: "Sequence[UploadedFile[bytes]]") -> Archive:
        pictures: list[NamedFile] = []
        masks: list[NamedFile] = []
        tables: dict[str, NamedFile] = {}
        for file in sent:
            if str(file.name).lower().endswith(".zip"):
                archive = in_archive(from_form(file))
                pictures += archive.images
                masks += archive.masks
                tables |= archive.tables
            elif file.name in ("labels.csv", "boxes.csv"):
                tables[str(file.name)] = from_form(file)
            else:
                pictures.append(from_form(file))
        for name in ("labels", "boxes"):
            if table := self.cleaned_data[name]:
                tables[f"{name}.csv"] = from_form(table)
        return Archive(pictures, masks, tables)
