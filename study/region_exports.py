"""What a study that marks regions adds to its bundle: maps to hold them against, the regions in others' formats."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from attribution.models import Picture as PictureRow
from study import blinding, frames, region_formats, tables
from study.map_files import MapWriter
from study.marked_regions import NEEDED, regions
from study.region_formats import Picture

from .models import Participant, StimulusSlot, Study

SIMULATED = "SIMULATED: these marks were made by a program, not by people."


def write(study: Study, folder: Path) -> list[Path]:
    """Write maps.csv, maps.npz, regions.jsonld and regions.coco.json beside the CSV files of a bundle.

    The regions are read from those files, so that they agree; [] where the study marks nothing.
    """
    if not marks_regions(study):
        return []
    everything = tables.everything(folder)
    marked = regions(everything.responses)
    pictures = dict(_pictures(study, {panels.split(" | ")[0] for panels in marked["panels"]}))
    labels = {
        str(one["item"]): str(one["truth_class"])
        for one in everything.items.to_dict("records")
        if isinstance(one.get("truth_class"), str)
    }
    excluded = dict(zip(everything.participants["participant"], everything.participants["excluded_by"], strict=True))
    found = region_formats.marks(marked, pictures, labels, excluded)
    is_simulated = frames.origin(study) == Participant.Origin.SIMULATED
    title = f"{SIMULATED} {study.title}" if is_simulated else study.title
    annotations = region_formats.web_annotations(
        found, study=f"{study.slug} {study.version} {study.hash}", title=title, is_simulated=is_simulated
    )
    coco = region_formats.coco(found, title=title, version=str(study.version))
    paths = _write_maps(study, folder)
    for name, content in (("regions.jsonld", annotations), ("regions.coco.json", coco)):
        paths.append(folder / name)
        paths[-1].write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return paths


def marks_regions(study: Study) -> bool:
    """Whether a task of the study asks for regions."""
    return set(NEEDED) <= set(frames.columns(study))


def _write_maps(study: Study, folder: Path) -> list[Path]:
    origin, is_blinded = frames.origin(study), blinding.is_blinded(study)
    table, numbers = folder / "maps.csv", folder / "maps.npz"
    maps = frames.StoredMaps(study)
    with table.open("w", encoding="utf-8", newline="") as rows, MapWriter(numbers) as archive:
        rows.writelines(tables.lines(tables.MAPS, ()))
        for number, (item, condition) in enumerate(maps):
            row = maps.row(item, condition)
            raw = row.arrays()["map"]
            archive.add(f"map_{number}", raw)
            method = "" if is_blinded else row.plugin  # it would give the condition away
            cells = (item, condition, origin, f"map_{number}", method, row.target_words, *raw.shape)
            rows.writelines(tables.written([cells]))
    return [table, numbers]


def _pictures(study: Study, roles: set[str]) -> Iterator[tuple[tuple[str, str, str], Picture]]:
    """(item, condition, role) -> the picture of the main stimuli that was there to be marked."""
    slots = StimulusSlot.objects.filter(
        stimulus__study=study, stimulus__item__isnull=False, role__in=roles, picture__isnull=False
    )
    slots = slots.select_related("stimulus__item", "stimulus__condition", "picture__image").order_by("pk")
    made: dict[int, Picture] = {}
    known = blinding.codes(study)
    for slot in slots:
        item, condition, picture = slot.stimulus.item, slot.stimulus.condition, slot.picture
        if item is None or condition is None or picture is None:
            continue
        name = known.get(condition.name, condition.name)
        if picture.pk not in made:
            made[picture.pk] = _picture(picture, item.name, name)
        yield (item.name, name, slot.role), made[picture.pk]


def _picture(picture: PictureRow, item: str, condition: str) -> Picture:
    is_photo = picture.saliency_map_id is None and picture.visualization_id is None
    image = picture.image if is_photo else None
    name = image.name if image else f"{condition}/{item}"
    with picture.file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    licence = image.licence if image else ""
    return Picture(name, picture.width, picture.height, digest, item, licence)
