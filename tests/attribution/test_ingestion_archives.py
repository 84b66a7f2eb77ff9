"""Folders and zip archives of images: nothing escapes, nothing explodes, an archive of a folder equals the folder."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from attribution import files
from attribution.files import FileError, NamedFile


def picture(seed: int = 0) -> bytes:
    stream = io.BytesIO()
    Pillow.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def archive(entries: dict[str, bytes]) -> NamedFile:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, data in entries.items():
            info = zipfile.ZipInfo("x")
            info.filename = name  # as an attacker writes it, past zipfile's own tidying
            info.compress_type = zipfile.ZIP_DEFLATED
            writer.writestr(info, data)
    return NamedFile("photos.zip", lambda: io.BytesIO(stream.getvalue()))


CONTENT = {
    "photos/a.png": picture(1),
    "photos/more/b.PNG": picture(2),
    "photos/masks/a.png": picture(3),
    "photos/labels.csv": b"file,label\na.png,goose\n",
    "photos/notes.txt": b"mine",
    "photos/.DS_Store": b"x",
    "__MACOSX/photos/._a.png": b"x",
}


def test_an_archive_gives_images_masks_and_tables_by_their_names_in_it() -> None:
    found = files.in_archive(archive(CONTENT))
    assert [file.name for file in found.images] == ["a.png", "more/b.PNG"]
    assert [file.name for file in found.masks] == ["masks/a.png"]
    assert list(found.tables) == ["labels.csv"]
    assert found.left_out == ["notes.txt"]
    assert found.images[0].read() == picture(1)
    assert found.images[0].read() == picture(1)


def test_an_archive_of_a_folder_equals_the_folder(tmp_path: Path) -> None:
    plain = {name: data for name, data in CONTENT.items() if "masks" not in name and name.startswith("photos/")}
    for name, data in plain.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    folder, packed = files.in_folder(tmp_path / "photos"), files.in_archive(archive(plain))
    assert [(file.name, file.read()) for file in folder.images] == [(file.name, file.read()) for file in packed.images]


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png", "C:/evil.png"])
def test_a_name_that_leads_out_of_the_archive_is_refused(name: str) -> None:
    with pytest.raises(FileError, match="leads out of the archive"):
        files.in_archive(archive({"fine.png": picture(), name: picture()}))


def test_a_bomb_is_refused_by_what_it_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ARCHIVE_BYTES", 5 * files.MEBIBYTE)
    with pytest.raises(FileError, match="unpacks to more than 5 MiB"):
        files.in_archive(archive({f"{n}.png": bytes(2 * files.MEBIBYTE) for n in range(3)}))
    monkeypatch.setattr(files, "FILE_BYTES", files.MEBIBYTE)
    with pytest.raises(FileError, match=r"“0\.png” unpacks to more than 1 MiB"):
        files.in_archive(archive({"0.png": bytes(2 * files.MEBIBYTE)}))


def test_a_bomb_that_lies_about_its_size_is_stopped_while_it_is_read() -> None:
    data = bytearray(archive({"liar.png": bytes(3 * files.MEBIBYTE)}).read())
    size = (3 * files.MEBIBYTE).to_bytes(4, "little")
    data = bytearray(bytes(data).replace(size, (1000).to_bytes(4, "little")))
    (liar,) = files.in_archive(NamedFile("liar.zip", lambda: io.BytesIO(bytes(data)))).images
    with pytest.raises(FileError, match=r"liar\.png cannot be read"):
        liar.read(limit=files.MEBIBYTE)


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ARCHIVE_FILES", 2)
    with pytest.raises(FileError, match="holds 3 files"):
        files.in_archive(archive({f"{n}.png": b"x" for n in range(3)}))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 but no more", picture()])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(FileError, match=r"photos\.zip is not a readable zip archive"):
        files.in_archive(NamedFile("photos.zip", lambda: io.BytesIO(data)))


def test_a_damaged_member_is_named() -> None:
    data = bytearray(archive({"a.png": picture()}).read())
    data[60] ^= 0xFF
    (member,) = files.in_archive(NamedFile("photos.zip", lambda: io.BytesIO(bytes(data)))).images
    with pytest.raises(FileError, match=r"a\.png cannot be read"):
        member.read()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is not a folder"):
        files.in_folder(tmp_path / "nowhere")


def test_a_drawing_is_tried_as_an_image_so_that_it_is_refused_and_not_overlooked(tmp_path: Path) -> None:
    for name in ("a.svg", "b.heic", "c.jpeg", "d.html", "e.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert [file.name for file in files.in_folder(tmp_path).images] == ["a.svg", "b.heic", "c.jpeg"]
