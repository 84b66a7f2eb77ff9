"""Maps, visualizations and photos as pictures: the one file that knows scales, colour maps and displays. No torch.

A picture has one pixel for each pixel of what it shows, or a square of ``enlarge`` x ``enlarge`` equal ones: nothing is
smoothed, so that nobody judges an interpolation.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION = 1

Pixels = NDArray[np.uint8]  # (H, W, 3)
Values = NDArray[np.float64]

# Display -> its parameters with their defaults.
DISPLAYS: dict[str, dict[str, Any]] = {
    "photo": {"enlarge": 1},
    "map": {"scale": "rank", "colours": "grey", "enlarge": 1},
    "overlay": {"scale": "rank", "colours": "viridis", "opacity": 0.6, "enlarge": 1},
    "visualization": {"scale": "own", "enlarge": 1},
}

# rank: the share of pixels with a smaller value, so that no map is told from another by how strong it is.
# linear: from 0 (or the least value, where some are negative) to the 99th percentile.
# signed: 0 in the middle, the 99th percentile of the absolute values at both ends.
MAP_SCALES = ("rank", "linear", "signed")
# own: the image's own values; stretch: its mean and 3 standard deviations to either side, for faint images.
IMAGE_SCALES = ("own", "stretch")
# Perceptually uniform, so that equal differences of value look equal; "managua_r" is blue, dark at 0, and yellow.
COLOURS = ("grey", "viridis", "cividis", "magma", "managua_r")


class Rendered(NamedTuple):
    """A picture as PNG, and its own size in pixels."""

    png: bytes
    width: int
    height: int


def complete(display: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a display, defaults filled in; raises ValueError in words."""
    if display not in DISPLAYS:
        raise ValueError(f"There is no display “{display}”; there are: {', '.join(DISPLAYS)}.")
    unknown = sorted(set(given) - set(DISPLAYS[display]))
    if unknown:
        known = ", ".join(DISPLAYS[display])
        raise ValueError(f"The display “{display}” has no parameter {', '.join(unknown)}; it has: {known}.")
    parameters = {**DISPLAYS[display], **given}
    scales = IMAGE_SCALES if display == "visualization" else MAP_SCALES
    for name, choices in (("scale", scales), ("colours", COLOURS)):
        if name in parameters and parameters[name] not in choices:
            raise ValueError(f"{display}: {name} = {parameters[name]!r} is none of {', '.join(choices)}.")
    enlarge, opacity = parameters["enlarge"], parameters.get("opacity", 1)
    if isinstance(enlarge, bool) or not isinstance(enlarge, int) or not 1 <= enlarge <= 16:
        raise ValueError(f"{display}: enlarge = {enlarge!r} should be a whole number from 1 to 16.")
    if isinstance(opacity, bool) or not isinstance(opacity, int | float) or not 0 <= opacity <= 1:
        raise ValueError(f"{display}: opacity = {opacity!r} should be a number from 0 to 1.")
    return parameters


def render(
    display: str,
    parameters: Mapping[str, Any],
    *,
    photo: Pixels | None = None,
    array: NDArray[Any] | None = None,
    together: Sequence[NDArray[Any]] = (),
) -> Rendered:
    """One picture: of a ``photo`` (S, S, 3) as the network sees it, of a map (C, S, S), of an image (3, S, S).

    ``array`` is the map or the visualization; an overlay needs the photo too. ``together`` holds the arrays, this one
    among them, that share one scale; without, each is scaled alone. Raises ValueError where something is missing.
    """
    chosen = complete(display, parameters)
    pixels = photo
    if display != "photo":
        if array is None:
            raise ValueError(f"The display “{display}” needs an array.")
        shown = np.asarray(array, dtype=np.float64)
        group = [np.asarray(one, dtype=np.float64) for one in together] or [shown]
        if display == "visualization":
            pixels = _to_bytes(_stretched(shown, group) if chosen["scale"] == "stretch" else shown)
        else:
            pixels = colour(shown, chosen["scale"], chosen["colours"], group)
    if pixels is None or (display == "overlay" and photo is None):
        raise ValueError(f"The display “{display}” needs a photo.")
    if display == "overlay" and photo is not None:
        if photo.shape != pixels.shape:
            raise ValueError(f"A map of {pixels.shape[:2]} pixels cannot lie over a photo of {photo.shape[:2]}.")
        mixed = chosen["opacity"] * pixels.astype(np.float64) + (1 - chosen["opacity"]) * photo
        pixels = mixed.round().astype(np.uint8)
    return _png(pixels.repeat(chosen["enlarge"], axis=0).repeat(chosen["enlarge"], axis=1))


def colour(values: Values, scale: str, colours: str, together: Sequence[Values]) -> Pixels:
    """A map (1, H, W) in a colour map; one of three colours (3, H, W) as such on grey for "signed"."""
    if values.shape[0] == 3 and scale == "signed":
        return _to_bytes(scaled(values, scale, together))
    one = scaled(_single(values), scale, [_single(other) for other in together])[0]  # (H, W)
    if colours == "grey":
        return _to_bytes(np.repeat(one[None], 3, axis=0))
    from matplotlib import colormaps  # here, because pages import this module and never draw

    return _to_bytes(np.moveaxis(colormaps[colours](one)[:, :, :3], 2, 0))


def scaled(values: Values, scale: str, together: Sequence[Values]) -> Values:
    """Values of any shape -> [0, 1], by the distribution of the arrays in ``together``."""
    everything = np.concatenate([other.ravel() for other in together])
    if not np.isfinite(everything).all() or not np.isfinite(values).all():
        raise ValueError("A map with numbers that are not finite cannot be shown.")
    if scale == "rank":
        ordered = np.sort(everything)
        below = np.searchsorted(ordered, values, side="left")
        above = np.searchsorted(ordered, values, side="right")
        ranks: Values = (below + above - 1) / 2 / max(len(ordered) - 1, 1)  # ties share their mean rank
        return ranks.clip(0, 1)
    top = float(np.percentile(np.abs(everything) if scale == "signed" else everything, 99))
    low = -top if scale == "signed" else min(float(everything.min()), 0.0)
    if top <= low:  # nearly all values are equal: the few that differ are seen on the whole range
        top, low = max(float(np.abs(everything).max()), low + 1e-30), low if scale == "linear" else low - 1e-30
    linear: Values = (values - low) / (top - low)
    return linear.clip(0, 1)


def _single(values: Values) -> Values:
    """(C, H, W) -> (1, H, W): of three colours the largest absolute value, as Simonyan et al. 2013."""
    return values if values.shape[0] == 1 else np.abs(values).max(axis=0, keepdims=True)


def _stretched(image: Values, together: Sequence[Values]) -> Values:
    everything = np.concatenate([other.reshape(3, -1) for other in together], axis=1)
    deviation = max(float(everything.std(axis=1).mean()), 1e-12)
    centre = image.reshape(3, -1).mean(axis=1)[:, None, None]
    stretched: Values = 0.5 + (image - centre) / (6 * deviation)
    return stretched


def _to_bytes(image: Values) -> Pixels:
    """(3, H, W) in [0, 1], clipped -> (H, W, 3) uint8."""
    pixels: Pixels = np.moveaxis((image.clip(0, 1) * 255).round(), 0, 2).astype(np.uint8)
    return pixels


def _png(pixels: Pixels) -> Rendered:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return Rendered(buffer.getvalue(), width=pixels.shape[1], height=pixels.shape[0])
