"""Images come in: decoded and stored anew with what is known of them, all of them or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models.fields.files import FieldFile
from numpy.typing import NDArray
from PIL import Image as Pillow

from .annotations import Box, Label, read_boxes, read_labels
from .decoding import Pixels, content_hash, decode, decode_mask, png
from .files import FileError, NamedFile
from .models import Image


@dataclass(frozen=True)
class Added:
    """The stored images in the order of their files; how many of them are new, and how many were annotated anew."""

    images: list[Image]
    new: int
    changed: int


def pixels(stored: FieldFile) -> Pixels:
    """The pixels of a stored image: uint8 (H, W, 3)."""
    with stored.open("rb") as stream, Pillow.open(stream, formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))


def mask(stored: FieldFile) -> NDArray[np.bool_]:
    """A stored mask: bool (H, W)."""
    with stored.open("rb") as stream, Pillow.open(stream, formats=("PNG",)) as image:
        return np.asarray(image).astype(bool)


def add(
    files: Sequence[NamedFile],
    *,
    labels: NamedFile | None = None,
    boxes: NamedFile | None = None,
    masks: Sequence[NamedFile] = (),
    source: str = "",
    licence: str = "",
    progress: Callable[[float], None] = lambda fraction: None,
) -> Added:
    """Store image files with what is known of them; raises FileError with every problem found, and then adds nothing.

    An image that is there already, by name and pixels, is not added again; what is said of it now is noted on it.
    Tables may also speak of images that were added earlier. A mask belongs to the image of its name, endings aside.
    """
    stored = {image.name: image for image in Image.objects.all()}
    batch = _Batch(stored=stored, by_hash={image.content_hash: image for image in stored.values()})
    batch.read_tables(files, labels, boxes, masks)
    try:
        for number, file in enumerate(files, start=1):
            batch.take(file)
            progress(number / len(files))
        if not files:
            batch.check_stored()
        if batch.problems:
            raise FileError(batch.problems)
        return batch.save(files, source=source, licence=licence)
    except BaseException:
        batch.undo()
        raise


@dataclass
class _Batch:
    """Images on their way in: what is known of them, what is wrong with them, which files were already written."""

    stored: dict[str, Image]
    by_hash: dict[str, Image]
    labels: dict[str, Label] = field(default_factory=dict)
    boxes: dict[str, list[Box]] = field(default_factory=dict)
    masks: dict[str, NamedFile] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    written: list[FieldFile] = field(default_factory=list)
    replaced: list[FieldFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def read_tables(
        self,
        files: Sequence[NamedFile],
        labels: NamedFile | None,
        boxes: NamedFile | None,
        masks: Sequence[NamedFile],
    ) -> None:
        """Read what is cheap to read before anything is decoded, so that its mistakes are told at once."""
        names = [file.name for file in files]
        known = {*names, *self.stored}
        problems = [f"{name} is there twice." for name in sorted({name for name in names if names.count(name) > 1})]
        problems += [f"{name[:60]}... has a name of over 200 characters." for name in names if len(name) > 200]
        stems = {str(PurePosixPath(name).with_suffix("")): name for name in [*self.stored, *names]}
        for file in masks:
            stem = str(PurePosixPath(file.name.removeprefix("masks/")).with_suffix(""))
            if stem in stems:
                self.masks[stems[stem]] = file
            else:
                problems.append(f"{file.name} is a mask, but there is no image “{stem}” for it.")
        try:
            self.labels = read_labels(labels, known) if labels else {}
        except FileError as error:
            problems += error.problems
        try:
            self.boxes = read_boxes(boxes, known) if boxes else {}
        except FileError as error:
            problems += error.problems
        if problems:
            raise FileError(problems)

    def take(self, file: NamedFile) -> None:
        """Decode one file, hold what is said of it against it, and write it away unless it is there already."""
        try:
            values = decode(file)
        except FileError as error:
            self.problems += error.problems
            return
        height, width = values.shape[:2]
        key = content_hash(values)
        same, named = self.by_hash.get(key), self.stored.get(file.name)
        if same and same.name != file.name:
            self.problems.append(f"{file.name} shows exactly the pixels of {same.name}; leave one of them out.")
            return
        if named and named.content_hash != key:
            self.problems.append(f"{file.name}: another image of that name is there already; rename this one.")
            return
        image = named or Image(name=file.name, content_hash=key, width=width, height=height)
        self.images[file.name] = self.by_hash[key] = image
        self.annotate(image)
        if not named and not self.problems:  # with a problem nothing will be added, so nothing more is written
            image.file.save("", ContentFile(png(values)), save=False)
            self.written.append(image.file)

    def check_stored(self) -> None:
        """Take the stored images that the tables and masks speak of, where no files came with them."""
        for name in sorted({*self.labels, *self.boxes, *self.masks}):
            self.images[name] = self.stored[name]
            self.annotate(self.stored[name])

    def annotate(self, image: Image) -> None:
        """Note label, boxes and mask on the (unsaved) image, or what is wrong with them."""
        if label := self.labels.get(image.name):
            image.label, image.label_index, image.facts = label.text, label.index, label.facts
        if boxes := self.boxes.get(image.name):
            self.problems += filter(None, (box.problem(image.width, image.height) for box in boxes))
            image.boxes = [box.to_json() for box in boxes]
        if file := self.masks.get(image.name):
            self.take_mask(image, file)

    def take_mask(self, image: Image, file: NamedFile) -> None:
        try:
            values = decode_mask(file)
        except FileError as error:
            self.problems += error.problems
            return
        height, width = values.shape
        if (width, height) != (image.width, image.height):
            size = f"{image.width} x {image.height}"
            self.problems.append(f"{file.name} is {width} x {height} pixels, but its image {image.name} is {size}.")
        elif not image.mask or not np.array_equal(mask(image.mask), values):
            if image.mask:
                self.replaced.append(FieldFile(image, image.mask.field, image.mask.name))
            image.mask.save("", ContentFile(png(values)), save=False)
            self.written.append(image.mask)

    def save(self, files: Sequence[NamedFile], *, source: str, licence: str) -> Added:
        """Store all rows in one short transaction; decoding and writing files, which takes long, is done by now."""
        for image in self.images.values():
            image.source, image.licence = source or image.source, licence or image.licence
        new = [image for image in self.images.values() if image.pk is None]
        old = {image.pk: image for image in self.images.values() if image.pk is not None}
        fields = ["label", "label_index", "facts", "boxes", "mask", "source", "licence"]
        try:
            with transaction.atomic():
                before = {row["pk"]: row for row in Image.objects.filter(pk__in=old).values("pk", *fields)}
                changed = [
                    image
                    for pk, image in old.items()
                    if any(before[pk][name] != getattr(image, name) for name in fields)
                ]
                Image.objects.bulk_create(new)
                Image.objects.bulk_update(changed, fields, batch_size=200)
        except IntegrityError as error:
            raise FileError(["Somebody else is adding the same images at this moment; try again."]) from error
        _delete(self.replaced)
        order = [file.name for file in files] or list(self.images)
        return Added([self.images[name] for name in order], new=len(new), changed=len(changed))

    def undo(self) -> None:
        _delete(self.written)


def _delete(files: list[FieldFile]) -> None:
    for file in files:
        if file.name:
            file.storage.delete(file.name)
