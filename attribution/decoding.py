"""An image file becomes pixels (upright, 8 bits, sRGB, over white, nothing else), or is refused in words."""

import hashlib
import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from .files import FileError, NamedFile

Pixels = NDArray[np.uint8]  # (H, W, 3)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
PIXELS = 50_000_000
SHORTEST_SIDE = 16
LONGEST_RATIO = 20  # a sliver has nothing to show in a square view, and resizing it would take all memory


def decode(file: NamedFile) -> Pixels:
    """An image file -> uint8 (H, W, 3), upright, sRGB, over white; raises FileError naming the file and the reason."""
    with _opened(file) as image:
        try:
            return _plain(image, file.name)
        except FileError:
            raise
        except Exception as error:  # a decoder meets a damaged file with whatever exception it happens to run into
            raise FileError([f"{file.name} is damaged: {_words(error)}."]) from error


def decode_mask(file: NamedFile) -> NDArray[np.bool_]:
    """A mask file -> bool (H, W), true where it is not black (or, with a palette, not colour 0)."""
    with _opened(file) as image:
        if image.format == "JPEG":
            raise FileError([f"{file.name} is a JPEG, which blurs a mask's edge; send the mask as PNG."])
        try:
            values = np.asarray(image.convert("RGB") if image.mode in ("RGBA", "CMYK") else image)
        except Exception as error:  # as in decode
            raise FileError([f"{file.name} is damaged: {_words(error)}."]) from error
    colours: NDArray[np.bool_] = values.astype(bool)
    return np.logical_or.reduce(colours, axis=2) if colours.ndim == 3 else colours


def png(values: NDArray[Any]) -> bytes:
    """uint8 (H, W, 3) or bool (H, W) -> the bytes of a PNG that holds nothing else."""
    stream = io.BytesIO()
    Pillow.fromarray(values).save(stream, "PNG")
    return stream.getvalue()


def content_hash(values: Pixels) -> str:
    """sha256 of shape and pixels: the same picture has the same hash, however its file was packed."""
    height, width = values.shape[:2]
    return hashlib.sha256(f"{width}x{height}:".encode() + values.tobytes()).hexdigest()


def _opened(file: NamedFile) -> Pillow.Image:
    """The image's header, read and found acceptable; no pixel is decoded yet."""
    data = file.read()
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # of the whole process, and other libraries (WeasyPrint) set it
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # our own limit is lower, and refuses
            image = Pillow.open(io.BytesIO(data), formats=FORMATS)
    except Pillow.DecompressionBombError as error:
        raise FileError([f"{file.name} has far more than {PIXELS:,} pixels; make it smaller."]) from error
    except UnidentifiedImageError as error:
        raise FileError([f"{file.name} is {_looks_like(data)}; {', '.join(FORMATS)} are taken."]) from error
    except Exception as error:  # as in decode
        raise FileError([f"{file.name} is damaged: {_words(error)}."]) from error
    width, height = image.size
    size = f"{file.name} is {width:,} x {height:,} pixels"
    if width * height > PIXELS:
        raise FileError([f"{size}; {PIXELS:,} pixels in all are the most that is taken."])
    if min(width, height) < SHORTEST_SIDE:
        raise FileError([f"{size}; the shorter side must have at least {SHORTEST_SIDE}."])
    if max(width, height) > LONGEST_RATIO * min(width, height):
        raise FileError([f"{size}; one side may be at most {LONGEST_RATIO} times as long as the other."])
    return image


def _plain(image: Pillow.Image, name: str) -> Pixels:
    """First frame, upright, 8 bits, sRGB, over white: uint8 (H, W, 3)."""
    profile = image.info.get("icc_profile")
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        upright = _eight_bits(upright, name)
    elif profile:
        upright = _srgb(upright, profile)
    if upright.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        white = Pillow.new("RGBA", upright.size, "white")
        upright = Pillow.alpha_composite(white, upright)
    return np.array(upright.convert("RGB"))


def _eight_bits(image: Pillow.Image, name: str) -> Pillow.Image:
    """16-bit greys (which Pillow would clip at 255) to 8 bits; what has no agreed white is refused."""
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise FileError([f"{name} has pixels of more than 16 bits, which have no agreed white; save it as PNG."])
    return Pillow.fromarray((values.astype(np.float64) / 257).round().astype(np.uint8))


def _srgb(image: Pillow.Image, profile: bytes) -> Pillow.Image:
    """Colours of an embedded profile as sRGB; an sRGB profile, or one that cannot be read, changes nothing."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        target = "RGBA" if image.mode == "RGBA" else "RGB"
        if image.mode not in ("RGB", "RGBA", "CMYK", "L"):
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted or image


def _looks_like(data: bytes) -> str:
    start = data[:1000].lstrip().lower()
    if not data:
        return "empty"
    if b"<svg" in start:
        return "an SVG drawing, which may carry code"
    if start.startswith((b"<!doctype", b"<html")):
        return "an HTML page, not an image"
    try:
        data[:1000].decode("utf-8")
    except UnicodeDecodeError:
        return "not an image of a known kind, or a damaged one"
    return "text, not an image"


def _words(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
