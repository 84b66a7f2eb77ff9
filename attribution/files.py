"""Named files as they come in: from a folder, a form, or a zip archive, which must neither escape nor explode."""

import io
import mimetypes
import zipfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

MEBIBYTE = 2**20
FILE_BYTES = 64 * MEBIBYTE
ARCHIVE_FILES = 20_000
ARCHIVE_BYTES = 4096 * MEBIBYTE  # all its files, unpacked
TABLES = ("labels.csv", "boxes.csv")


class FileError(ValueError):
    """Files cannot be taken; ``problems`` are sentences, each naming the file and the reason."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class Sent(Protocol):
    """A file from a form: what Django calls UploadedFile."""

    name: Any

    def open(self, mode: Any = None) -> Any: ...


@dataclass(frozen=True)
class NamedFile:
    """A file by the name its sender gave it; ``open`` gives its bytes as often as they are wanted."""

    name: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]

    def read(self, limit: int = FILE_BYTES) -> bytes:
        """All bytes; raises FileError where there are more than ``limit`` or they cannot be read."""
        try:
            with self.open() as stream:
                data = stream.read(limit + 1)
        except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
            raise FileError([f"{self.name} cannot be read: {error}."]) from error
        if len(data) > limit:
            raise FileError([f"{self.name} is larger than {limit // MEBIBYTE} MiB, which is the most that is taken."])
        return data


def on_disk(path: Path, name: str = "") -> NamedFile:
    """The file at ``path``, by its own name unless another is given."""
    return NamedFile(name or path.name, lambda: path.open("rb"))


def from_form(sent: Sent) -> NamedFile:
    """A file that came with a form."""

    def opened() -> AbstractContextManager[IO[bytes]]:
        return nullcontext(sent.open("rb"))

    return NamedFile(str(sent.name), opened)


def is_image_name(name: str) -> bool:
    """Whether a name claims to be an image's, of whatever kind: those are tried, and refused with a reason."""
    kind, _ = mimetypes.guess_type(name)
    return (kind or "").startswith("image/") or PurePosixPath(name).suffix.lower() in {".webp", ".heic", ".avif"}


@dataclass(frozen=True)
class Archive:
    """What a folder or zip archive holds: images, masks, tables by name, and the names of what is none of these."""

    images: list[NamedFile]
    masks: list[NamedFile] = field(default_factory=list)
    tables: dict[str, NamedFile] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def in_folder(folder: Path, *, without: Path | None = None) -> Archive:
    """The images in a folder and below it, but for those below ``without``, named by their path in it.

    Its tables and masks have to be asked for.
    """
    if not folder.is_dir():
        raise FileError([f"{folder} is not a folder."])
    files = [path for path in folder.rglob("*") if path.is_file()]
    if without is not None:
        files = [path for path in files if not path.resolve().is_relative_to(without.resolve())]
    paths = {path.relative_to(folder).as_posix(): path for path in files}
    shown = {name: path for name, path in sorted(paths.items()) if not _is_hidden(name)}
    return Archive(
        images=[on_disk(path, name) for name, path in shown.items() if is_image_name(name)],
        left_out=[name for name in shown if not is_image_name(name)],
    )


def in_archive(archive: NamedFile) -> Archive:
    """The files of a zip archive, without unpacking it to disk; raises FileError on a bomb or a path that escapes.

    Masks are the images in a folder ``masks/``, tables the files ``labels.csv`` and ``boxes.csv``.
    A name's common leading folder is left out, so that an archive of a folder equals the folder.
    """
    try:
        opened = zipfile.ZipFile(io.BytesIO(archive.read(limit=ARCHIVE_BYTES)))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError([f"{archive.name} is not a readable zip archive: {error}."]) from error
    entries = [entry for entry in opened.infolist() if not entry.is_dir()]
    if problems := _archive_problems(archive.name, entries):
        raise FileError(problems)
    entries = [entry for entry in entries if not _is_hidden(entry.filename)]
    folder = _shared_folder([entry.filename for entry in entries])

    def named(entry: zipfile.ZipInfo) -> NamedFile:
        return NamedFile(entry.filename.removeprefix(folder), lambda: opened.open(entry))

    files = sorted((named(entry) for entry in entries), key=lambda file: file.name)
    pictures = [file for file in files if is_image_name(file.name)]
    return Archive(
        images=[file for file in pictures if not file.name.startswith("masks/")],
        masks=[file for file in pictures if file.name.startswith("masks/")],
        tables={file.name: file for file in files if file.name in TABLES},
        left_out=[file.name for file in files if file.name not in TABLES and not is_image_name(file.name)],
    )


def _archive_problems(name: str, entries: list[zipfile.ZipInfo]) -> list[str]:
    if len(entries) > ARCHIVE_FILES:
        return [f"{name} holds {len(entries)} files; {ARCHIVE_FILES} are the most that is taken at once."]
    if sum(entry.file_size for entry in entries) > ARCHIVE_BYTES:
        return [f"{name} unpacks to more than {ARCHIVE_BYTES // MEBIBYTE} MiB; send it in parts."]
    problems = []
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in path.parts[0]:
            problems.append(f"{name}: “{entry.filename}” leads out of the archive; names must stay inside it.")
        elif entry.flag_bits & 1:
            problems.append(f"{name}: “{entry.filename}” is encrypted; send it without a password.")
        elif entry.file_size > FILE_BYTES:
            problems.append(f"{name}: “{entry.filename}” unpacks to more than {FILE_BYTES // MEBIBYTE} MiB.")
    return problems


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") for part in parts)


def _shared_folder(names: list[str]) -> str:
    folders = {name.partition("/")[0] if "/" in name else "" for name in names}
    folder = folders.pop() if len(folders) == 1 else ""
    return f"{folder}/" if folder and folder != "masks" else ""
