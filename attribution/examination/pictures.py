"""Photos, maps, visualizations and boxes as pictures inside the one page: their bytes are in their addresses."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from attribution import rendering

SMALL = 100  # pixels a side from which a picture is stored as JPEG
BOXED = 288  # pixels a side of a photo with boxes on it
FOUND, THERE = (255, 214, 10), (0, 229, 255)  # seen on light and on dark photos


@dataclass(frozen=True)
class Picture:
    """An image inside the page: its address, what it shows for those who cannot see it, and its caption."""

    address: str
    words: str
    caption: str


def picture(
    display: str,
    caption: str,
    *,
    photo: NDArray[np.uint8] | None = None,
    array: NDArray[Any] | None = None,
    words: str = "",
    **parameters: Any,
) -> Picture:
    """A photo, map or visualization as `rendering` shows it."""
    rendered = rendering.render(display, parameters, photo=photo, array=array)
    if rendered.width <= SMALL:
        return Picture(_address(rendered.png, "png"), words or caption, caption)
    with Image.open(io.BytesIO(rendered.png)) as image:
        return Picture(_jpeg(image), words or caption, caption)


def boxed(
    photo: NDArray[np.uint8],
    there: Sequence[Sequence[float]],
    found: Sequence[float],
    caption: str,
    *,
    words: str = "",
) -> Picture:
    """A photo (S, S, 3) with the objects' boxes as lines and the one found as a dashed line; [left, top, ...]."""
    scale = BOXED / len(photo)
    image = Image.fromarray(photo).resize((BOXED, BOXED), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    for box in there:
        pen.rectangle([round(side * scale) for side in box], outline=THERE, width=3)
    if found:
        _dashed(pen, [round(side * scale) for side in found])
    return Picture(_jpeg(image), words or caption, caption)


def _dashed(pen: ImageDraw.ImageDraw, box: Sequence[int], *, dash: int = 9) -> None:
    left, top, right, bottom = box
    for start in range(left, right, 2 * dash):
        for y in (top, bottom):
            pen.line([start, y, min(start + dash, right), y], fill=FOUND, width=4)
    for start in range(top, bottom, 2 * dash):
        for x in (left, right):
            pen.line([x, start, x, min(start + dash, bottom)], fill=FOUND, width=4)


def _jpeg(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.convert("RGB").save(stream, format="JPEG", quality=86)
    return _address(stream.getvalue(), "jpeg")


def _address(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
