"""What a map or a visualization costs, before it is begun: forward passes of one image, and seconds where known.

A plug-in says it in one line, ``PASSES = "..."``, a formula of its parameters, of ``size``, the side of what the
network sees, of ``GRADIENT``, a forward and a backward pass, of ``squares(square, stride)``, how many slide over an
image, and of ``passes(folder, name, parameters)``, another plug-in's. One that says nothing costs one gradient.
"""

from collections.abc import Mapping
from typing import Any

from attribution import plugins
from attribution.windows import windows

GRADIENT = 2.5  # forward passes that a forward and a backward pass take together


def passes(folder: str, name: str, parameters: Mapping[str, Any], *, size: int) -> float:
    """About how many forward passes of one image ``name`` takes for a map, or for a visualization with its restarts.

    Raises PluginError for a parameter that the plug-in does not have, ValueError for one that makes no sense.
    """
    complete = plugins.complete(f"attribution.{folder}", name, parameters)
    formula = plugins.describe(f"attribution.{folder}", name).passes

    def squares(square: float, stride: float) -> int:
        return len(windows(size, size, square, stride))

    def of(folder: str, name: str, parameters: Mapping[str, Any]) -> float:
        return passes(folder, name, parameters, size=size)

    known = {**complete, "size": size, "GRADIENT": GRADIENT, "squares": squares, "passes": of}
    # A line of the plug-in's own file, as trusted as the rest of it; what people send comes in as values alone.
    return float(eval(formula, {"__builtins__": {}}, known))  # noqa: S307


def duration(seconds: float) -> str:
    """Seconds in words, as roughly as an estimate deserves."""
    if seconds < 90:
        return f"about {max(round(seconds / 10) * 10, 10)} seconds"
    return f"about {round(seconds / 60)} minutes" if seconds < 5400 else f"about {seconds / 3600:.1f} hours"


def in_words(forwards: float, seconds_a_pass: float | None) -> str:
    """“About 1,040 forward passes of one image: about 40 seconds”; without a time where nobody has measured it."""
    if forwards < 1:
        return "It asks the network nothing."
    counted = f"About {float(f'{forwards:.2g}'):,.0f} forward passes of one image"
    return f"{counted}." if seconds_a_pass is None else f"{counted}: {duration(forwards * seconds_a_pass)}."
