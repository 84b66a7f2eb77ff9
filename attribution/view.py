"""What of a photo a network sees. No torch: pages say where in it a box lies."""

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """What of a photo the network sees: shorter side resized to ``resize`` pixels, the central ``size`` square."""

    resize: int
    size: int

    def placed(self, width: int, height: int) -> tuple[int, int, int, int]:
        """A photo's (width, height) once resized, and the (left, top) of the view in it: torchvision's rounding."""
        long = int(self.resize * max(width, height) / min(width, height))
        resized = (self.resize, long) if width <= height else (long, self.resize)
        return *resized, round((resized[0] - self.size) / 2), round((resized[1] - self.size) / 2)

    def box(self, left: float, top: float, right: float, bottom: float, *, width: int, height: int) -> list[float]:
        """A box in pixels of a (width, height) photo -> [left, top, right, bottom] in pixels of the view, clipped."""
        across, down, dx, dy = self.placed(width, height)
        x = [min(max(value * across / width - dx, 0.0), float(self.size)) for value in (left, right)]
        y = [min(max(value * down / height - dy, 0.0), float(self.size)) for value in (top, bottom)]
        return [x[0], y[0], x[1], y[1]]
