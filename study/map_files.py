"""Saliency maps as a bundle holds them: an archive of float16 arrays (channels, rows, columns), one for each map."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.float64]  # (H, W)


def saliency(raw: npt.NDArray[Any]) -> Map:
    """A stored map (C, H, W) as one number a pixel (H, W): of three colours the largest absolute value."""
    values = np.asarray(raw, dtype=np.float64)
    found: Map = values[0] if len(values) == 1 else np.abs(values).max(axis=0)
    return found


class MapWriter:
    """Writes an .npz archive one array at a time, without the time of day: the same maps make the same file."""

    def __init__(self, path: Path) -> None:
        self.archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)

    def __enter__(self) -> "MapWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.archive.close()

    def add(self, name: str, raw: npt.NDArray[np.float16]) -> None:
        entry = zipfile.ZipInfo(f"{name}.npy")
        entry.compress_type = zipfile.ZIP_DEFLATED
        with self.archive.open(entry, "w", force_zip64=True) as stream:
            np.lib.format.write_array(stream, np.ascontiguousarray(raw), allow_pickle=False)


class MapFile(Mapping[tuple[str, str], Map]):
    """(item, condition) -> map (H, W), read from an .npz archive when it is asked for; ``names`` are its arrays'."""

    def __init__(self, path: Path, names: Mapping[tuple[str, str], str]) -> None:
        self.path, self.names = path, names

    def __getitem__(self, key: tuple[str, str]) -> Map:
        with np.load(self.path, allow_pickle=False) as stored:
            return saliency(stored[self.names[key]])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
