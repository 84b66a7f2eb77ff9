"""How sure? The scale that stands under the questions that ask for it."""

import random
from typing import Any

from . import Answer, Control, Options, Screen, check_scale, scale_control

COLUMN = ("integer", "points", "how sure, from 1 (least) upwards, where it was asked")


def confidence_controls(prompt: str, points: int, low: str, high: str) -> tuple[Control, ...]:
    """The scale, or nothing where ``prompt`` is empty."""
    return (scale_control("confidence", prompt, points, low, high),) if prompt else ()


def check_confidence(options: Options) -> None:
    if options["confidence_prompt"]:
        check_scale(options["confidence_points"], options["confidence_low"], options["confidence_high"])


def confidence(answer: Answer) -> int | None:
    given = answer.get("confidence")
    return None if given in (None, "") else int(given)


def simulated(screen: Screen, knows: bool, rng: random.Random) -> dict[str, Any]:
    """A bot's confidence, higher where it knows; {} where it is not asked."""
    control = screen.control("confidence")
    if control is None:
        return {}
    points = [value for value, _ in control.values]
    half = len(points) // 2
    return {"confidence": rng.choice(points[half:] if knows else points[: half + 1])}
