"""Scenes: small pictures drawn by the project whose every truth is known (what, where, how many, how clear)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attribution.scenes.backgrounds import background
from attribution.scenes.shapes import OBJECTS, SIDE, STONE_SHARE, Pen, mark, stone

LABELS = tuple(OBJECTS)
SIZE = 64
OVERSAMPLING = 4  # drawn so much larger and averaged down: smooth edges

# Half extent of an object in pixels by the number of objects in the scene.
EXTENTS = {1: (13.0, 26.0), 2: (11.0, 16.0), 3: (10.0, 13.5), 4: (8.5, 11.0)}


@dataclass(frozen=True)
class Scene:
    """A picture (64, 64, 3) uint8, the exact mask (64, 64) of its class's evidence, a box for each instance, facts."""

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    label: int
    boxes: list[tuple[int, int, int, int]]  # left, top, right, bottom in pixels
    facts: dict[str, Any]


def draw(
    label: int,
    *,
    seed: int | Sequence[int],
    instances: int | None = None,
    contrast: float | None = None,
    stones: int = 0,
    extent: tuple[float, float] | None = None,
    planted: int | None = None,
) -> Scene:
    """A scene with ``instances`` (default 1-3) objects of class ``label`` and ``stones``, on a textured background.

    ``contrast`` in (0, 1] mixes the objects' colours with their surroundings' (default: mostly clear, a quarter low);
    ``extent`` is the range of half extents in pixels. With ``planted`` a mark of that pattern lies on the scene; then
    the mark, not the object, is the class's evidence: it is the label, and the mask and the only box are the mark's.
    """
    rng = np.random.default_rng(seed)
    if instances is None:
        instances = int(rng.choice([1, 2, 3], p=[0.6, 0.2, 0.2]))
    if contrast is None:
        contrast = float(rng.uniform(0.35, 0.55) if rng.random() < 0.25 else rng.uniform(0.7, 1.0))
    low, high = extent or EXTENTS[min(instances + stones, max(EXTENTS))]
    extents = [float(rng.uniform(low, high)) for _ in range(instances + stones)]
    picture = background(SIZE, rng)
    masks: list[NDArray[np.bool_]] = []
    share = STONE_SHARE
    for place, (x, y) in enumerate(_places(extents, rng)):
        if place < instances:
            colours, alpha = _paint(OBJECTS[LABELS[label]], (x, y), extents[place], rng)
            share = alpha.sum() / extents[place] ** 2
        else:  # as large as the object it stands in for
            colours, alpha = _paint(stone, (x, y), extents[place] * (share / STONE_SHARE) ** 0.5, rng)
        covered = alpha > 0.5
        if covered.any():
            surroundings = picture[covered].mean(axis=0)
            colours = surroundings + contrast * (colours - surroundings)
        picture = picture * (1 - alpha[..., None]) + colours * alpha[..., None]
        masks = [earlier & ~covered for earlier in masks]
        masks.append(covered)
    evidence = masks[:instances]
    if planted is not None:
        left, top = (int(value) for value in rng.integers(0, SIZE - SIDE + 1, 2))
        picture[top : top + SIDE, left : left + SIDE] = mark(planted, rng)
        evidence = [np.zeros((SIZE, SIZE), bool)]
        evidence[0][top : top + SIDE, left : left + SIDE] = True
    mask = np.logical_or.reduce(evidence)
    image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    facts: dict[str, Any] = {
        "instances": instances,
        "stones": stones,
        "contrast": round(contrast, 3),
        "extent": round(float(np.mean(extents)), 2),  # half extent in pixels
        "area": int(np.logical_or.reduce(masks).sum()),  # pixels of all things together
        "difference": _difference(image, mask),
    }
    if planted is not None:
        facts["object"] = LABELS[label]
    return Scene(image, mask, label if planted is None else planted, [_box(part) for part in evidence], facts)


def _places(extents: list[float], rng: np.random.Generator) -> list[tuple[float, float]]:
    """Centres that keep the objects inside the picture and, as far as they can, apart."""
    best: list[tuple[float, float]] = []
    least = np.inf
    for _ in range(60):
        places = [tuple(rng.uniform(0.9 * extent, SIZE - 0.9 * extent, 2)) for extent in extents]
        overlap = sum(
            max(0.0, 0.85 * (extents[i] + extents[j]) - max(abs(a[0] - b[0]), abs(a[1] - b[1])))
            for i, a in enumerate(places)
            for j, b in enumerate(places[:i])
        )
        if overlap < least:
            best, least = [(float(x), float(y)) for x, y in places], overlap
        if least == 0:
            break
    return best


def _paint(
    paint: Any, centre: tuple[float, float], extent: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One object's colours (S, S, 3) in [0, 255] and coverage (S, S) in [0, 1]."""
    large = SIZE * OVERSAMPLING
    canvas = Image.new("RGBA", (large, large))
    x, y = centre
    pen = Pen(
        canvas,
        (x * OVERSAMPLING, y * OVERSAMPLING),
        extent * OVERSAMPLING,
        angle=float(rng.normal(0, 7)),
        is_flipped=bool(rng.random() < 0.5),
    )
    paint(pen, rng)
    small = np.asarray(canvas.resize((SIZE, SIZE), Image.Resampling.BOX), float)  # Pillow weights colours by alpha
    return small[..., :3], small[..., 3] / 255


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:  # wholly behind another object
        return (0, 0, 0, 0)
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _difference(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    """Distance of the mean colours inside and outside the mask, as a share of that between black and white."""
    inside, outside = image[mask].mean(axis=0), image[~mask].mean(axis=0)
    return round(float(np.linalg.norm(inside - outside) / (255 * np.sqrt(3))), 3)
