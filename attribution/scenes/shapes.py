"""The things that are drawn: eight objects a person can name by sight, and neutral stones. All in [-1, 1], y down."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]


@dataclass
class Pen:
    """Draws in an object's own [-1, 1] square on an RGBA canvas, at a centre, half extent, angle and flip in pixels."""

    canvas: Image.Image
    centre: Point
    extent: float
    angle: float = 0.0
    is_flipped: bool = False

    def __post_init__(self) -> None:
        self._draw = ImageDraw.Draw(self.canvas)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self._draw.polygon([self._place(point) for point in points], fill=(*colour, 255))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, *, tilt: float = 0.0) -> None:
        self.arc(x, y, rx, ry, 0, 360, colour, tilt=tilt)

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: float, end: float, colour: Colour, *, tilt: float = 0.0
    ) -> None:
        """The filled part of an ellipse between two angles in degrees, clockwise from the right."""
        cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
        points = []
        for t in np.radians(np.linspace(start, end, 40)):
            u, v = rx * math.cos(t), ry * math.sin(t)
            points.append((x + u * cos - v * sin, y + u * sin + v * cos))
        self.polygon(points, colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A line with round joints; ``width`` in the object's own units."""
        places = [self._place(point) for point in points]
        radius = width * self.extent / 2
        self._draw.line(places, fill=(*colour, 255), width=max(1, round(2 * radius)))
        for x, y in places:
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour, 255))

    def _place(self, point: Point) -> Point:
        x = -point[0] if self.is_flipped else point[0]
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        return (
            self.centre[0] + self.extent * (x * cos - point[1] * sin),
            self.centre[1] + self.extent * (x * sin + point[1] * cos),
        )


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour as 8-bit RGB; hue, saturation and value in [0, 1]."""
    k = (np.array([5.0, 3.0, 1.0]) + hue * 6) % 6
    red, green, blue = value * (1 - saturation * np.clip(np.minimum(k, 4 - k), 0, 1)) * 255
    return (round(red), round(green), round(blue))


def shade(colour: Colour, factor: float) -> Colour:
    """The colour darker (factor < 1) or lighter (towards white, factor > 1)."""
    if factor <= 1:
        return (round(colour[0] * factor), round(colour[1] * factor), round(colour[2] * factor))
    rest = 2 - factor
    return (
        round(255 - (255 - colour[0]) * rest),
        round(255 - (255 - colour[1]) * rest),
        round(255 - (255 - colour[2]) * rest),
    )


def butterfly(pen: Pen, rng: np.random.Generator) -> None:
    wing = hsv(rng.random(), rng.uniform(0.65, 1), rng.uniform(0.75, 1))
    inner = hsv(rng.random(), rng.uniform(0.5, 1), rng.uniform(0.8, 1))
    edge = shade(wing, 0.35)
    for side in (-1, 1):
        pen.ellipse(side * 0.52, -0.36, 0.5, 0.4, edge, tilt=-side * 38)
        pen.ellipse(side * 0.42, 0.42, 0.38, 0.33, edge, tilt=side * 40)
        pen.ellipse(side * 0.51, -0.36, 0.4, 0.3, wing, tilt=-side * 38)
        pen.ellipse(side * 0.41, 0.41, 0.29, 0.24, wing, tilt=side * 40)
        pen.ellipse(side * 0.58, -0.42, 0.16, 0.14, inner)
        pen.ellipse(side * 0.43, 0.45, 0.12, 0.11, inner)
        pen.line([(0.0, -0.45), (side * 0.12, -0.75), (side * 0.26, -0.92)], 0.06, (30, 25, 25))
    pen.ellipse(0, 0.05, 0.09, 0.6, (35, 28, 26))
    pen.ellipse(0, -0.5, 0.11, 0.11, (35, 28, 26))


def car(pen: Pen, rng: np.random.Generator) -> None:
    paint = hsv(rng.random(), rng.uniform(0.55, 1), rng.uniform(0.6, 1))
    glass = hsv(0.55, rng.uniform(0.15, 0.4), rng.uniform(0.85, 1))
    pen.polygon([(-0.62, 0.1), (-0.4, -0.45), (0.28, -0.45), (0.62, 0.1)], paint)
    pen.polygon([(-0.98, 0.48), (-0.98, 0.12), (-0.9, 0.02), (0.66, 0.0), (0.93, 0.1), (0.99, 0.48)], paint)
    pen.polygon([(-0.45, 0.02), (-0.31, -0.34), (-0.08, -0.34), (-0.08, 0.02)], glass)
    pen.polygon([(0.02, 0.02), (0.02, -0.34), (0.22, -0.34), (0.44, 0.02)], glass)
    pen.line([(-0.95, 0.44), (0.95, 0.44)], 0.08, shade(paint, 0.55))
    pen.ellipse(0.9, 0.2, 0.08, 0.08, (255, 235, 140))
    for x in (-0.52, 0.54):
        pen.ellipse(x, 0.46, 0.27, 0.27, (28, 28, 30))
        pen.ellipse(x, 0.46, 0.12, 0.12, (190, 190, 195))


def cat(pen: Pen, rng: np.random.Generator) -> None:
    fur = [(226, 138, 56), (128, 128, 134), (58, 54, 56), (238, 232, 222), (140, 98, 62), (205, 176, 128)][
        rng.integers(6)
    ]
    dark = shade(fur, 0.6) if sum(fur) > 250 else shade(fur, 1.3)
    eye = hsv(rng.uniform(0.12, 0.42), 0.8, 0.9)
    pen.ellipse(0, 0.18, 0.82, 0.68, fur)
    for side in (-1, 1):
        pen.polygon([(side * 0.78, 0.15), (side * 0.72, -0.95), (side * 0.12, -0.42)], fur)
        pen.polygon([(side * 0.66, -0.2), (side * 0.63, -0.7), (side * 0.3, -0.4)], (226, 150, 150))
    for x in (-0.16, 0.0, 0.16):
        pen.line([(x, -0.42), (x * 0.8, -0.18)], 0.07, dark)
    whisker = (245, 245, 245) if sum(fur) < 500 else (90, 80, 75)
    for side in (-1, 1):
        pen.ellipse(side * 0.34, 0.08, 0.19, 0.19, eye)
        pen.ellipse(side * 0.34, 0.08, 0.07, 0.17, (15, 15, 15))
        for y in (0.36, 0.52):
            pen.line([(side * 0.24, 0.46), (side * 0.98, y)], 0.035, whisker)
    pen.ellipse(0, 0.55, 0.24, 0.16, shade(fur, 1.5))
    pen.polygon([(-0.13, 0.34), (0.13, 0.34), (0, 0.5)], (214, 100, 110))
    pen.line([(-0.2, 0.56), (-0.1, 0.64), (0, 0.54), (0.1, 0.64), (0.2, 0.56)], 0.05, (60, 40, 40))


def fish(pen: Pen, rng: np.random.Generator) -> None:
    scales = hsv(rng.random(), rng.uniform(0.6, 1), rng.uniform(0.7, 1))
    stripe = hsv(rng.random(), rng.uniform(0.1, 0.9), rng.uniform(0.8, 1))
    fin = shade(scales, 0.65)
    pen.polygon([(-0.45, 0.0), (-0.98, -0.55), (-0.84, 0.0), (-0.98, 0.55)], fin)
    pen.polygon([(-0.3, -0.35), (0.02, -0.78), (0.32, -0.4)], fin)
    pen.polygon([(-0.1, 0.35), (0.02, 0.68), (0.25, 0.35)], fin)
    pen.ellipse(0.18, 0, 0.8, 0.48, scales)
    for x, height in ((-0.22, 0.36), (0.12, 0.44)):
        pen.polygon([(x - 0.08, -height), (x + 0.08, -height), (x + 0.08, height), (x - 0.08, height)], stripe)
    pen.line([(0.48, -0.3), (0.42, 0.0), (0.48, 0.3)], 0.06, fin)
    pen.ellipse(0.66, -0.12, 0.14, 0.14, (250, 250, 250))
    pen.ellipse(0.69, -0.12, 0.07, 0.07, (15, 15, 15))
    pen.line([(0.82, 0.2), (0.95, 0.14)], 0.05, shade(scales, 0.4))


def goose(pen: Pen, rng: np.random.Generator) -> None:
    kind = rng.integers(3)  # a white one, a greylag, a Canada goose
    body = [(244, 242, 236), (158, 146, 134), (142, 112, 84)][kind]
    neck = [(244, 242, 236), (158, 146, 134), (30, 28, 30)][kind]
    beak = [(240, 140, 30), (238, 130, 60), (34, 30, 32)][kind]
    legs = [(240, 140, 30), (236, 140, 110), (44, 40, 40)][kind]
    for x in (-0.2, 0.12):
        pen.line([(x, 0.6), (x, 0.94), (x + 0.2, 0.94)], 0.09, legs)
    pen.polygon([(-0.55, 0.02), (-1.0, -0.12), (-0.62, 0.5)], body)
    pen.ellipse(-0.15, 0.3, 0.62, 0.4, body)
    pen.line([(0.28, 0.26), (0.42, 0.0), (0.36, -0.32), (0.44, -0.66)], 0.25, neck)
    pen.polygon([(0.6, -0.84), (1.0, -0.66), (0.6, -0.56)], beak)
    pen.ellipse(0.5, -0.72, 0.2, 0.18, neck)
    if kind == 2:
        pen.ellipse(0.44, -0.62, 0.1, 0.11, (240, 238, 232))
    pen.ellipse(-0.26, 0.24, 0.42, 0.22, shade(body, 0.78), tilt=8)
    pen.ellipse(-0.3, 0.3, 0.3, 0.1, shade(body, 0.62), tilt=10)
    pen.ellipse(0.55, -0.77, 0.055, 0.055, (235, 235, 235) if kind == 2 else (15, 15, 15))


def house(pen: Pen, rng: np.random.Generator) -> None:
    wall = hsv(rng.random(), rng.uniform(0.1, 0.55), rng.uniform(0.75, 1))
    roof = hsv(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.4, 0.8))
    pen.polygon([(0.36, -0.9), (0.6, -0.9), (0.6, -0.2), (0.36, -0.2)], shade(roof, 0.7))
    pen.polygon([(-0.72, -0.12), (0.72, -0.12), (0.72, 0.92), (-0.72, 0.92)], wall)
    pen.polygon([(-0.99, -0.05), (0, -0.9), (0.99, -0.05)], roof)
    door = hsv(rng.random(), 0.6, 0.4)
    pen.polygon([(-0.15, 0.92), (-0.15, 0.35), (0.2, 0.35), (0.2, 0.92)], door)
    glass = hsv(rng.choice([0.14, 0.56]), 0.4, 1.0)
    for x in (-0.44, 0.46):
        pen.polygon([(x - 0.18, 0.12), (x + 0.18, 0.12), (x + 0.18, 0.48), (x - 0.18, 0.48)], (250, 250, 250))
        pen.polygon([(x - 0.13, 0.17), (x + 0.13, 0.17), (x + 0.13, 0.43), (x - 0.13, 0.43)], glass)
        pen.line([(x, 0.17), (x, 0.43)], 0.05, (250, 250, 250))


def mushroom(pen: Pen, rng: np.random.Generator) -> None:
    cap = hsv(rng.random(), rng.uniform(0.6, 1), rng.uniform(0.6, 0.95))
    stem = hsv(0.11, rng.uniform(0.05, 0.3), rng.uniform(0.85, 1))
    pen.polygon([(-0.26, 0.0), (0.26, 0.0), (0.36, 0.88), (0.2, 0.96), (-0.2, 0.96), (-0.36, 0.88)], stem)
    pen.polygon([(0.06, 0.0), (0.26, 0.0), (0.36, 0.88), (0.2, 0.96)], shade(stem, 0.85))
    pen.ellipse(0, 0.08, 0.95, 0.16, shade(stem, 0.7))
    pen.arc(0, 0.1, 0.97, 1.02, 180, 360, cap)
    for x, y, r in ((-0.5, -0.25, 0.17), (0.08, -0.6, 0.18), (0.52, -0.2, 0.15), (-0.02, -0.12, 0.13)):
        pen.ellipse(x, y, r, r * 0.85, (252, 248, 240))


def sailboat(pen: Pen, rng: np.random.Generator) -> None:
    hull = hsv(rng.random(), rng.uniform(0.5, 1), rng.uniform(0.35, 0.85))
    sail = hsv(rng.random(), rng.uniform(0.0, 0.75), rng.uniform(0.88, 1))
    jib = hsv(rng.random(), rng.uniform(0.0, 0.75), rng.uniform(0.88, 1))
    pen.line([(0, -0.92), (0, 0.5)], 0.09, (88, 58, 34))
    pen.polygon([(0.1, -0.9), (0.1, 0.36), (0.86, 0.36)], sail)
    pen.polygon([(-0.1, -0.72), (-0.1, 0.36), (-0.7, 0.36)], jib)
    pen.polygon([(-0.96, 0.5), (0.98, 0.5), (0.66, 0.94), (-0.62, 0.94)], hull)
    pen.line([(-0.9, 0.56), (0.92, 0.56)], 0.08, shade(hull, 1.5))


STONE_SHARE = 1.69  # of a stone: pixels covered for a half extent of one pixel, squared


def stone(pen: Pen, rng: np.random.Generator) -> None:
    """What stands beside an object without meaning a class: as large as the objects, of any colour."""
    colour = hsv(rng.random(), rng.uniform(0.0, 0.9), rng.uniform(0.3, 1))
    phases, sizes = rng.uniform(0, 360, 3), rng.uniform(0.03, 0.12, 3)
    angles = np.linspace(0, 360, 60, endpoint=False)
    radii = 0.72 + sum(sizes[k] * np.cos(np.radians((k + 2) * angles + phases[k])) for k in range(3))
    outline = [
        (r * math.cos(math.radians(a)), r * math.sin(math.radians(a))) for a, r in zip(angles, radii, strict=True)
    ]
    pen.polygon(outline, shade(colour, 0.6))
    pen.polygon([(0.86 * x - 0.05, 0.86 * y - 0.07) for x, y in outline], colour)
    pen.ellipse(-0.22, -0.26, 0.2, 0.14, shade(colour, 1.35), tilt=-30)


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "butterfly": butterfly,
    "car": car,
    "cat": cat,
    "fish": fish,
    "goose": goose,
    "house": house,
    "mushroom": mushroom,
    "sailboat": sailboat,
}

SIDE = 12  # pixels of a planted mark


def mark(index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Planted evidence: one of eight patterns (12, 12, 3) in two random colours, so that only the form tells."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    centre = (SIDE - 1) / 2
    radius = np.hypot(x - centre, y - centre)
    ring = np.maximum(abs(x - centre), abs(y - centre))
    forms = (
        (x // 3 + y // 3) % 2 == 0,  # checks
        x % 4 < 2,  # upright stripes
        y % 4 < 2,  # level stripes
        (x + y) % 6 < 3,  # slanted stripes
        (abs(x - centre) < 2) | (abs(y - centre) < 2),  # cross
        abs(radius - 3.6) < 1.3,  # ring
        ring.astype(int) % 2 == 0,  # nested squares
        (x % 4 >= 1) & (x % 4 <= 2) & (y % 4 >= 1) & (y % 4 <= 2),  # dots
    )
    hue = rng.random()
    light = np.array(hsv(hue, rng.uniform(0, 0.5), rng.uniform(0.9, 1)))
    dark = np.array(hsv(hue + rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.9), rng.uniform(0.05, 0.3)))
    if rng.random() < 0.5:
        light, dark = dark, light
    return np.where(forms[index][..., None], light, dark).astype(np.uint8)
