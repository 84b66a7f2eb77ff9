"""Textured backgrounds in any colour, so that neither the mean colour nor one plain surface gives the object away."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attribution.scenes.shapes import hsv

Floats = NDArray[np.float64]


def background(size: int, rng: np.random.Generator) -> Floats:
    """A texture between two colours, (size, size, 3) in [0, 255]."""
    textures = (_clouds, _stripes, _checks, _grass, _speckle, _slope)
    pattern = textures[rng.integers(len(textures))](size, rng)
    hue, saturation = rng.random(), rng.uniform(0.1, 0.75)
    value = rng.uniform(0.35, 0.95)
    one = np.array(hsv(hue, saturation, value), float)
    other_hue = (hue + rng.normal(0, 0.12)) % 1
    other_value = float(np.clip(value + rng.choice([-1, 1]) * rng.uniform(0.08, 0.3), 0.2, 1))
    other = np.array(hsv(other_hue, float(np.clip(saturation + rng.normal(0, 0.15), 0, 1)), other_value), float)
    grain = rng.normal(0, 1, (size, size, 1)) * rng.uniform(1, 7)
    texture: Floats = np.clip(one + (other - one) * pattern[..., None] + grain, 0, 255)
    return texture


def _noise(size: int, cells: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Smooth noise in [0, 1] with so many cells (across, down)."""
    grid = Image.fromarray(rng.random((cells[1], cells[0])).astype(np.float32))
    noise: Floats = np.clip(np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC), float), 0, 1)
    return noise


def _coordinate(size: int, rng: np.random.Generator) -> Floats:
    y, x = np.mgrid[0:size, 0:size] / size
    angle = rng.uniform(0, 2 * np.pi)
    along: Floats = x * np.cos(angle) + y * np.sin(angle)
    return along


def _clouds(size: int, rng: np.random.Generator) -> Floats:
    total = sum(_noise(size, (cells, cells), rng) / weight for cells, weight in ((3, 1.0), (7, 2.0), (15, 4.0)))
    return np.asarray(total) / 1.75


def _stripes(size: int, rng: np.random.Generator) -> Floats:
    wave = np.sin(2 * np.pi * rng.uniform(3, 9) * _coordinate(size, rng) + 1.5 * _noise(size, (4, 4), rng))
    return np.clip(0.5 + rng.uniform(0.5, 1.5) * wave, 0, 1)


def _checks(size: int, rng: np.random.Generator) -> Floats:
    width = rng.integers(5, 12)
    y, x = np.mgrid[0:size, 0:size]
    checks: Floats = ((x + rng.integers(width)) // width + (y + rng.integers(width)) // width) % 2
    return 0.75 * checks + 0.25 * _noise(size, (5, 5), rng)


def _grass(size: int, rng: np.random.Generator) -> Floats:
    cells = (size // 2, 6) if rng.random() < 0.5 else (6, size // 2)
    return 0.7 * _noise(size, cells, rng) + 0.3 * _noise(size, (4, 4), rng)


def _speckle(size: int, rng: np.random.Generator) -> Floats:
    fine = _noise(size, (size // 3, size // 3), rng)
    return np.clip((fine - rng.uniform(0.45, 0.65)) * 6, 0, 1)


def _slope(size: int, rng: np.random.Generator) -> Floats:
    along = _coordinate(size, rng)
    slope: Floats = (along - along.min()) / np.ptp(along)
    return slope
