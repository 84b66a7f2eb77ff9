"""Stored images made small for a page: pages show dozens, and a photo as PNG is large."""

import io

from PIL import Image as Pillow

from attribution.models import Image

SIDE = 360


def small(image: Image) -> bytes:
    """The image as JPEG, its longer side at most SIDE pixels."""
    with image.file.open("rb") as stream, Pillow.open(stream, formats=("PNG",)) as stored:
        picture = stored.convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()
