"""Marked regions in the formats of others: W3C Web Annotation (JSON-LD) and COCO.

https://www.w3.org/TR/annotation-model/ and https://cocodataset.org/#format-data. Both count in pixels of the picture as
it was shown: what the network sees of a photo. A picture is named by what it holds (RFC 6920), not by an address.
"""

import base64
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from study.statistics.regions import union

Points = Sequence[Sequence[float]]
T = TypeVar("T")
ROUND = 12  # corners of half a brush's tip


@dataclass(frozen=True)
class Picture:
    """A picture that was marked: whose, its name, size in pixels, the sha256 of its file, the photo's licence."""

    name: str
    width: int
    height: int
    sha256: str
    item: str
    licence: str = ""

    @property
    def iri(self) -> str:
        digest = base64.urlsafe_b64encode(bytes.fromhex(self.sha256)).decode().rstrip("=")
        return f"ni:///sha-256;{digest}"


@dataclass(frozen=True)
class Marks:
    """What one participant marked on one picture; ``label`` is the class that was asked for, if there was one."""

    picture: Picture
    participant: str
    task: str
    position: int
    attempt: int
    kind: str
    width: float
    regions: Sequence[Points]
    label: str
    excluded_by: str | None


def marks(
    regions: pd.DataFrame,
    pictures: Mapping[tuple[str, str, str], Picture],
    labels: Mapping[str, str],
    excluded: Mapping[str, str | None],
) -> list[Marks]:
    """The rows of ``study.marked_regions`` answer by answer, with the picture of each (item, condition, panel)."""
    found = []
    for _, rows in regions.groupby(["participant", "position", "attempt"], sort=False):
        first = rows.iloc[0]
        picture = pictures[first["item"], first["condition"], first["panels"].split(" | ")[0]]
        width = float(first["width"]) if first["kind"] == "brush" else 0.0
        found.append(
            Marks(
                picture, first["participant"], first["task"], int(first["position"]), int(first["attempt"]),
                first["kind"], width, list(rows["points"]), labels.get(first["item"], ""),
                excluded.get(first["participant"]),
            )
        )  # fmt: skip
    return found


def web_annotations(found: Sequence[Marks], *, study: str, title: str, is_simulated: bool) -> dict[str, Any]:
    """A W3C AnnotationCollection with one annotation an answer; ``study`` is what its ids are made from."""
    items = [_annotation(one, study, is_simulated) for one in found]
    page = {"id": _urn(study, "page"), "type": "AnnotationPage", "partOf": _urn(study), "startIndex": 0, "items": items}
    return {
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "id": _urn(study),
        "type": "AnnotationCollection",
        "label": title,
        "total": len(items),
        "first": page,
    }


def _annotation(one: Marks, study: str, is_simulated: bool) -> dict[str, Any]:
    source = {"id": one.picture.iri, "type": "Image", "format": "image/png"}
    # All strokes of a brush are one region.
    shapes = [one.regions] if one.kind == "brush" else [[points] for points in one.regions]
    made: dict[str, Any] = {
        "id": _urn(study, one.participant, one.position, one.attempt),
        "type": "Annotation",
        "motivation": "tagging" if one.label else "highlighting",
        "creator": {
            "id": _urn(study, one.participant),
            "type": "Software" if is_simulated else "Person",
            "nickname": one.participant,
        },
        "target": [
            {"type": "SpecificResource", "source": source, "selector": _selectors(one, regions)} for regions in shapes
        ],
    }
    if one.label:
        made["body"] = [{"type": "TextualBody", "value": one.label, "format": "text/plain", "purpose": "tagging"}]
    return made


def _urn(*names: object) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, "\n".join(map(str, names))).urn


def _selectors(one: Marks, regions: Sequence[Points]) -> list[dict[str, Any]]:
    width, height = one.picture.width, one.picture.height
    shapes = "".join(_svg(one, [[x * width, y * height] for x, y in points]) for points in regions)
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{shapes}</svg>'
    found = [{"type": "SvgSelector", "value": drawing}]
    if one.kind == "box":
        left, top, right, bottom = _bounds(regions[0], width, height)
        # Media fragments are whole pixels: all that the box touches.
        x, y = math.floor(left), math.floor(top)
        value = f"xywh=pixel:{x},{y},{math.ceil(right) - x},{math.ceil(bottom) - y}"
        conforms = "http://www.w3.org/TR/media-frags/"
        found.append({"type": "FragmentSelector", "conformsTo": conforms, "value": value})
    return found


def _svg(one: Marks, points: Points) -> str:
    at = [f"{_number(x)},{_number(y)}" for x, y in points]
    if one.kind == "point":
        (x, y), *_ = points
        return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="0.5"/>'  # the pixel there
    if one.kind == "brush":
        style = 'fill="none" stroke="black" stroke-linecap="round" stroke-linejoin="round"'
        way = " ".join(at if len(at) > 1 else at * 2)
        return f'<polyline points="{way}" stroke-width="{_number(one.width * one.picture.width)}" {style}/>'
    if one.kind == "box":
        (x, y), (u, v) = (
            [min(side) for side in zip(*points, strict=True)],
            [max(s) for s in zip(*points, strict=True)],
        )
        return f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(u - x)}" height="{_number(v - y)}"/>'
    return f'<polygon points="{" ".join(at)}"/>'


def coco(found: Sequence[Marks], *, title: str, version: str) -> dict[str, Any]:
    """A COCO data set: pictures as images, classes as categories, each region (of a brush: each answer) an annotation.

    Points are keypoints. Beside COCO's keys an annotation says who, where in the session, with which tool.
    """
    pictures = _numbered(one.picture for one in found)
    labels = _numbered(one.label or one.task for one in found)
    licences = _numbered(picture.licence for picture in pictures if picture.licence)
    has_points = any(one.kind == "point" for one in found)
    annotations: list[dict[str, Any]] = []
    for one in found:
        for regions in [one.regions] if one.kind == "brush" else [[points] for points in one.regions]:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": pictures[one.picture],
                    "category_id": labels[one.label or one.task],
                    **_shape(one, regions),
                    "iscrowd": 0,
                    "participant": one.participant,
                    "task": one.task,
                    "position": one.position,
                    "attempt": one.attempt,
                    "tool": one.kind,
                    "excluded_by": one.excluded_by,
                }
            )
    return {
        "info": {"description": title, "version": version},
        "licenses": [{"id": number, "name": name, "url": ""} for name, number in licences.items()],
        "images": [_image(number, picture, licences) for picture, number in pictures.items()],
        "annotations": annotations,
        "categories": [
            {"id": number, "name": label, "supercategory": "marked"}
            | ({"keypoints": ["mark"], "skeleton": []} if has_points else {})
            for label, number in labels.items()
        ],
    }


def _numbered(names: Iterable[T]) -> dict[T, int]:
    """Each name once, with its number from 1."""
    return {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}


def _image(number: int, picture: Picture, licences: Mapping[str, int]) -> dict[str, Any]:
    made = {"id": number, "file_name": picture.name, "width": picture.width, "height": picture.height}
    if picture.licence:
        made["license"] = licences[picture.licence]
    return {**made, "sha256": picture.sha256, "item": picture.item}


def _shape(one: Marks, regions: Sequence[Points]) -> dict[str, Any]:
    width, height = one.picture.width, one.picture.height
    if one.kind == "point":
        ((x, y),) = regions[0]
        mark = [round(x * width, 2), round(y * height, 2), 2]  # 2: labelled and visible
        return {"segmentation": [], "area": 0.0, "bbox": [*mark[:2], 0.0, 0.0], "keypoints": mark, "num_keypoints": 1}
    left, top, right, bottom = _bounds([point for points in regions for point in points], width, height)
    if one.kind == "box":
        outlines = [[(left, top), (right, top), (right, bottom), (left, bottom)]]
        area = (right - left) * (bottom - top)
    else:
        area = float(union(one.kind, regions, (height, width), one.width).sum())
        outlines = [[(x * width, y * height) for x, y in points] for points in regions]
        if one.kind == "brush":
            radius = one.width * width / 2
            outlines = [outline for points in outlines for outline in _strokes(points, radius)]
            left, top = max(left - radius, 0), max(top - radius, 0)
            right, bottom = min(right + radius, width), min(bottom + radius, height)
    return {
        "segmentation": [[round(value, 2) for point in outline for value in point] for outline in outlines],
        "area": round(area, 2),
        "bbox": [round(value, 2) for value in (left, top, right - left, bottom - top)],
    }


def _strokes(points: Sequence[tuple[float, float]], radius: float) -> list[list[tuple[float, float]]]:
    """What a brush covers, as outlines that overlap: COCO adds up a list of polygons."""
    found = []
    for (x1, y1), (x2, y2) in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        towards = math.atan2(y2 - y1, x2 - x1)
        turns = [towards - math.pi / 2 + math.pi * k / ROUND for k in range(ROUND + 1)]
        tip = [(x2 + radius * math.cos(turn), y2 + radius * math.sin(turn)) for turn in turns]
        found.append(tip + [(x1 - radius * math.cos(turn), y1 - radius * math.sin(turn)) for turn in turns])
    return found


def _bounds(points: Points, width: int, height: int) -> tuple[float, float, float, float]:
    across, down = [x * width for x, _ in points], [y * height for _, y in points]
    return min(across), min(down), max(across), max(down)


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
