"""Images of every kind come in right or are refused with the file's name and the reason, and never by halves."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as project
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms, ImageFile
from pytest_django import Settings

from attribution import files, images
from attribution.decoding import decode, png
from attribution.files import FileError, NamedFile
from attribution.models import Image

from .demo_rows import stored_files

RNG = np.random.default_rng(5)
PHOTO = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)  # (H, W, 3)
SHARED = Path(project.BASE_DIR).parent / "shared" / "data" / "photos"


@pytest.fixture(autouse=True)
def _own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def named(data: bytes, name: str = "photo.png") -> NamedFile:
    return NamedFile(name, lambda: io.BytesIO(data))


def encoded(values: NDArray[Any] | Pillow.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image = values if isinstance(values, Pillow.Image) else Pillow.fromarray(values)
    image.save(stream, kind, **options)
    return stream.getvalue()


def photo(name: str = "photo.png", seed: int = 0) -> NamedFile:
    return named(encoded(np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)), name)


def refusal(data: bytes, name: str) -> str:
    with pytest.raises(FileError) as caught:
        decode(named(data, name))
    (problem,) = caught.value.problems
    assert problem.startswith(name)
    return problem


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_pixels_of_lossless_formats_come_out_as_they_went_in(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(decode(named(encoded(PHOTO, kind, **options))), PHOTO)


def test_a_jpeg_comes_out_as_pillow_shows_it() -> None:
    data = encoded(PHOTO, "JPEG", quality=90)
    np.testing.assert_array_equal(decode(named(data)), np.asarray(Pillow.open(io.BytesIO(data))))


def test_the_first_frame_of_a_moving_gif_is_taken() -> None:
    frames = [Pillow.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    assert (decode(named(stream.getvalue(), "moving.gif")) == (255, 0, 0)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright_as_its_camera_says(orientation: int) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    # What a viewer must do for each value (EXIF 2.3, tag 274), written out with numpy alone.
    upright = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: p.transpose(1, 0, 2)[:, ::-1],
        7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
        8: lambda p: p.transpose(1, 0, 2)[::-1],
    }[orientation](PHOTO)
    np.testing.assert_array_equal(decode(named(encoded(PHOTO, "PNG", exif=exif))), upright)


def test_sixteen_bit_grey_is_scaled_and_not_cut_off() -> None:
    ramp = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    grey = decode(named(encoded(ramp), "deep.png"))
    assert grey.shape == (32, 32, 3)
    np.testing.assert_allclose(grey[:, :, 0], ramp / 257, atol=0.51)


def test_floating_point_pixels_are_refused() -> None:
    assert "no agreed white" in refusal(encoded(np.ones((20, 20), np.float32), "TIFF"), "float.tif")


def test_cmyk_comes_out_in_its_colours() -> None:
    red = Pillow.new("CMYK", (32, 32), (0, 255, 255, 0))
    pixel = decode(named(encoded(red, "JPEG", quality=95), "print.jpg"))[16, 16]
    assert pixel[0] > 200
    assert max(pixel[1:]) < 60


def test_grey_and_palette_images_become_rgb() -> None:
    grey = PHOTO[:, :, 0]
    np.testing.assert_array_equal(decode(named(encoded(grey))), np.repeat(grey[:, :, None], 3, axis=2))
    flat = Pillow.new("P", (20, 20), 1)
    flat.putpalette([0, 0, 0, 10, 200, 30])
    assert (decode(named(encoded(flat))) == (10, 200, 30)).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_seen_over_white(mode: str) -> None:
    clear = Pillow.new("RGBA", (20, 20), (0, 0, 0, 0)).convert(mode) if mode != "P" else Pillow.new("P", (20, 20), 0)
    options: dict[str, Any] = {"transparency": 0} if mode == "P" else {}
    assert (decode(named(encoded(clear, **options))) == 255).all()


@pytest.mark.parametrize("profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"none"])
def test_an_srgb_profile_or_one_that_cannot_be_read_changes_nothing(profile: bytes) -> None:
    np.testing.assert_array_equal(decode(named(encoded(PHOTO, icc_profile=profile))), PHOTO)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/photos is not there")
def test_colours_of_a_wider_space_are_not_shown_dull() -> None:
    adobe = files.on_disk(SHARED / "coco_194.jpg")  # carries the profile “Adobe RGB (1998)”
    followed, ignored = decode(adobe).astype(int), np.asarray(Pillow.open(io.BytesIO(adobe.read()))).astype(int)
    assert followed.shape == ignored.shape
    assert np.ptp(followed, axis=2).mean() > np.ptp(ignored, axis=2).mean()


def test_nothing_but_pixels_is_stored() -> None:
    exif = Pillow.Exif()
    exif[0x010F] = "a camera that knows where it was"
    stored = png(decode(named(encoded(PHOTO, "JPEG", exif=exif, comment=b"secret"))))
    chunks = [stored[match : match + 4] for match in range(8, len(stored)) if stored[match : match + 4] == b"eXIf"]
    assert chunks == []
    assert b"camera" not in stored
    assert b"secret" not in stored


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"This is not a picture.\n", "text.jpg", "is text, not an image; JPEG, PNG, "),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>", "drawing.jpg", "is an SVG drawing"),
        (b"<?xml version='1.0'?>\n<svg></svg>", "drawing.svg", "is an SVG drawing"),
        (b"<!DOCTYPE html><html></html>", "page.png", "is an HTML page"),
        (b"", "nothing.png", "is empty"),
        (bytes(range(256)) * 4, "noise.jpg", "is not an image of a known kind, or a damaged one"),
        (encoded(PHOTO)[:-40], "cut.png", "is damaged: "),
        (encoded(PHOTO, "JPEG")[:-300], "cut.jpg", "is damaged: "),
        (encoded(PHOTO, "PPM"), "rare.ppm", "is not an image of a known kind"),
        (encoded(PHOTO[:8, :8]), "tiny.png", "is 8 x 8 pixels; the shorter side must have at least 16"),
        (encoded(np.zeros((16, 400, 3), np.uint8)), "sliver.png", "one side may be at most 20 times as long"),
    ],
)
def test_what_is_no_image_to_show_is_refused_naming_the_file_and_the_reason(
    data: bytes, name: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as WeasyPrint leaves it
    assert words in refusal(data, name)


def bomb(side: int) -> bytes:
    """A PNG that claims side x side pixels, in a few hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [50_000, 9_000])
def test_an_image_too_large_to_hold_is_refused_before_it_is_decoded(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pillow.Image, "load", lambda *_: pytest.fail("it was decoded"))
    assert "pixels" in refusal(bomb(side), "bomb.png")


def test_a_file_too_large_to_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match=r"huge\.png is larger than 1 MiB"):
        named(bytes(2**20 + 1), "huge.png").read(limit=2**20)


@pytest.mark.django_db
def test_images_are_stored_once_with_what_is_said_of_them() -> None:
    labels = named(b"file,label_index,label,instances\na.png,4,goose,2\n", "labels.csv")
    boxes = named(b"file,object,left,top,right,bottom\na.png,goose,1,2,30,20.5\na.png,goose,0,0,32,24\n", "boxes.csv")
    for expected_new in (2, 0):
        added = images.add(
            [photo("a.png", 1), photo("b.png", 2)], labels=labels, boxes=boxes, source="drawn", licence="CC0"
        )
        assert (added.new, added.changed) == (expected_new, 0)
    goose, other = Image.objects.all()
    assert (goose.label, goose.label_index, goose.facts) == ("goose", 4, {"instances": 2})
    assert goose.boxes[0] == {"object": "goose", "left": 1.0, "top": 2.0, "right": 30.0, "bottom": 20.5}
    assert (other.label, other.boxes, other.source, other.licence) == ("", [], "drawn", "CC0")
    assert stored_files("images") == {goose.file.name, other.file.name}
    assert (goose.width, goose.height) == (32, 24)
    np.testing.assert_array_equal(images.pixels(goose.file), decode(photo("a.png", 1)))


@pytest.mark.django_db
def test_a_later_table_speaks_of_images_that_are_there() -> None:
    images.add([photo("a.png", 1)])
    added = images.add([], labels=named(b"file,label\na.png,fish\n", "labels.csv"))
    assert (added.new, added.changed) == (0, 1)
    assert Image.objects.get().label == "fish"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("labels", "boxes", "words"),
    [
        (b"file,label\nc.png,fish\n", b"", "labels.csv row 2, column file: there is no image “c.png”"),
        (b"", b"file,object,left,top,right,bottom\na.png,x,0,0,33,9\n", "row 2, column right: 33 is outside the image"),
        (b"", b"file,object,left,top,right,bottom\na.png,x,9,0,9,9\n", "column right: 9 is not to the right of left"),
    ],
)
def test_one_thing_wrong_and_nothing_is_added(labels: bytes, boxes: bytes, words: str) -> None:
    with pytest.raises(FileError) as caught:
        images.add(
            [photo("a.png", 1), photo("b.png", 2)],
            labels=named(labels, "labels.csv") if labels else None,
            boxes=named(boxes, "boxes.csv") if boxes else None,
        )
    assert words in str(caught.value)
    assert not Image.objects.exists()
    assert stored_files("images") == set()


@pytest.mark.django_db
def test_every_damaged_file_is_named_at_once_and_nothing_is_added() -> None:
    with pytest.raises(FileError) as caught:
        images.add([photo("a.png", 1), named(b"text", "b.jpg"), photo("c.png", 2), named(b"<html>", "d.jpg")])
    assert [problem.partition(" ")[0] for problem in caught.value.problems] == ["b.jpg", "d.jpg"]
    assert not Image.objects.exists()
    assert stored_files("images") == set()


@pytest.mark.django_db
def test_a_database_that_fails_at_the_end_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Image.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        images.add([photo("a.png", 1)])
    assert stored_files("images") == set()


@pytest.mark.django_db
def test_a_name_or_picture_that_is_taken_is_refused() -> None:
    images.add([photo("a.png", 1)])
    with pytest.raises(FileError, match=r"a\.png: another image of that name is there already"):
        images.add([photo("a.png", 2)])
    with pytest.raises(FileError, match=r"copy\.png shows exactly the pixels of a\.png"):
        images.add([photo("copy.png", 1)])
    with pytest.raises(FileError, match=r"d\.png shows exactly the pixels of c\.png"):
        images.add([photo("c.png", 3), photo("d.png", 3)])
    assert Image.objects.count() == 1


@pytest.mark.django_db
def test_masks_belong_to_the_image_of_their_name() -> None:
    mask = np.zeros((24, 32), np.uint8)
    mask[5:9, 10:20] = 1
    added = images.add([photo("a.jpg", 1)], masks=[named(encoded(mask), "a.png")])
    stored = images.mask(added.images[0].mask)
    assert stored.dtype == bool
    np.testing.assert_array_equal(stored, mask.astype(bool))
    again = images.add([photo("a.jpg", 1)], masks=[named(encoded(mask * 255), "a.png")])
    assert (again.new, again.changed) == (0, 0)
    other = images.add([photo("a.jpg", 1)], masks=[named(encoded(1 - mask), "a.png")])
    assert other.changed == 1
    assert stored_files("masks") == {other.images[0].mask.name}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (named(encoded(np.ones((20, 20), np.uint8)), "a.png"), "is 20 x 20 pixels, but its image a.jpg is 32 x 24"),
        (named(encoded(np.ones((24, 32), np.uint8), "JPEG"), "a.jpg"), "is a JPEG, which blurs a mask's edge"),
        (named(encoded(np.ones((24, 32), np.uint8)), "z.png"), "is a mask, but there is no image “z”"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(mask: NamedFile, words: str) -> None:
    with pytest.raises(FileError) as caught:
        images.add([photo("a.jpg", 1)], masks=[mask])
    assert words in str(caught.value)
    assert not Image.objects.exists()


@pytest.mark.django_db
def test_files_from_a_form_are_taken_too() -> None:
    sent = SimpleUploadedFile("form.png", encoded(PHOTO), content_type="text/html")
    image = images.add([files.from_form(sent)]).images[0]
    assert image.name == "form.png"
    assert default_storage.exists(str(image.file.name))


@pytest.mark.django_db
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/photos is not there")
def test_the_real_photos_come_in_with_their_labels_and_boxes() -> None:
    tables = {name: files.on_disk(SHARED / f"{name}.csv") for name in ("labels", "boxes")}
    added = images.add(files.in_folder(SHARED).images, **tables)
    assert added.new == 52
    assert sum(bool(image.label) for image in added.images) == 16
    assert sum(len(image.boxes) for image in added.images) == 56
    zebra = Image.objects.get(name="imagenet_zebra.jpg")
    assert (zebra.label, zebra.label_index) == ("zebra", 340)
