"""What an examination found, as its sections ask for it: tables, arrays, pictures, and words where something failed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attribution.models import Image, State
from attribution.view import View

from .pictures import Picture, picture
from .plan import Plan

Row = dict[str, Any]


TITLES = {
    "gradient": "derivative",
    "gradient_input": "derivative × input",
    "occlusion": "covering",
    "sobol_total": "Sobol total",
    "prediction_difference": "prediction difference",
    "smoothgrad_squared": "variance, upper bound",
    "gaussian_variance": "variance, lower bound",
    "integrated_gradients": "integrated gradients",
    "random_map": "noise",
    "guided_backprop": "guided back-propagation",
    "deconvnet": "deconvolution",
    "vargrad": "curvature (VarGrad)",
    "smoothgrad": "smoothed derivative",
    "second_order": "second derivative, smoothed",
}


@dataclass
class Results:
    """The rows of a plan as they are stored now."""

    plan: Plan
    photos: dict[int, NDArray[np.uint8]]  # of the pool, image's key -> (S, S, 3) as the network sees it
    predictions: dict[int, list[Row]]
    mean: NDArray[np.float64]  # (3, 1, 1): the mean colour of the network's normalisation

    def label(self, index: int) -> str:
        return self.plan.network.label(index).replace("_", " ")

    def name(self, image: Image) -> str:
        """What an image is called on the page: its class, as labelled or else as answered, and its file."""
        index = self.plan.network.class_of(image)
        return f"{self.label(self.plan.answers[image.pk] if index is None else index).capitalize()} ({image.name})"

    def boxes(self, image: Image) -> list[list[float]]:
        """An image's boxes in pixels of what the network sees."""
        view = View(self.plan.network.view_resize, self.plan.network.view_size)
        ends = [[box[side] for side in ("left", "top", "right", "bottom")] for box in image.boxes]
        return [view.box(*box, width=image.width, height=image.height) for box in ends]

    def table(self, name: str) -> list[Row]:
        """A measurement's rows; [] where it is not done."""
        found = self.plan.measurements.get(name)
        return list(found.table) if found is not None and found.state == State.DONE else []

    def summary(self, name: str, **wanted: Any) -> Row:
        """The row of the mean over images; {} where there is none."""
        rows = self.summaries(name, **wanted)
        return rows[0] if rows else {}

    def summaries(self, name: str, **wanted: Any) -> list[Row]:
        return [
            row
            for row in self.table(name)
            if row.get("image") is None and all(row.get(key) == value for key, value in wanted.items())
        ]

    def trouble(self, *names: str) -> list[str]:
        """Why measurements and visualizations of these names could not be computed."""
        found = []
        for name in names:
            row = self.plan.measurements.get(name) or self.plan.visualizations.get(name)
            if row is not None and row.state == State.FAILED:
                found.append(f"{row.title}: {row.error}")
        return found

    def trouble_of_map(self, method: str) -> str:
        """Why a method's maps could not be computed; "" where they could."""
        rows = [row for (name, *_), row in self.plan.maps.items() if name == method]
        failed = next((row for row in rows if row.state == State.FAILED), None)
        return f"{failed.title}: {failed.error}" if failed else ""

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """A visualization's arrays; {} where it is not done."""
        row = self.plan.visualizations.get(name)
        return row.arrays() if row is not None and row.state == State.DONE else {}

    def notes(self, name: str) -> dict[str, Any]:
        """What a visualization noted; {} where it is not done."""
        row = self.plan.visualizations.get(name)
        return row.notes if row is not None and row.state == State.DONE else {}

    def curves(self, name: str) -> dict[str, list[list[float]]]:
        row = self.plan.visualizations.get(name)
        return row.curves if row is not None and row.state == State.DONE else {}

    def curve(self, name: str, column: str) -> list[float]:
        """A visualization's curve, averaged over its restarts."""
        return [sum(point) / len(point) for point in self.curves(name).get(column, [])]

    def end(self, name: str) -> Row:
        """Where a visualization's curves end, averaged over its restarts; {} where it is not done."""
        return {column: self.curve(name, column)[-1] for column in self.curves(name)}

    def photo(self, image: Image, caption: str = "") -> Picture:
        caption = caption or f"image, seen as {self.label(self.plan.answers[image.pk])}"
        return picture("photo", caption, photo=self.photos[image.pk])

    def map(
        self,
        method: str,
        image: Image,
        caption: str,
        *,
        index: int | None = None,
        is_size: bool = False,
        **shown: Any,
    ) -> Picture | None:
        """A method's map as a picture, of absolute values where ``is_size``; None where it is not done."""
        index = self.plan.answers[image.pk] if index is None else index
        row = self.plan.maps.get((method, image.pk, index))
        if row is None or row.state != State.DONE:
            return None
        given = {"scale": "rank", "colours": "magma", **shown}
        array = np.abs(row.arrays()["map"]) if is_size else row.arrays()["map"]
        return picture("map", caption, array=array, words=f"{row.title} of {image.name}", **given)

    def made(self, name: str, caption: str, *, place: int = 0, scale: str = "own") -> Picture | None:
        """One image of a visualization; None where it is not done."""
        images = self.arrays(name).get("images")
        if images is None or place >= len(images):
            return None
        return picture("visualization", caption, array=images[place], scale=scale)
