"""A question: choice, several choices, text, number or scale.

Demographics, colour vision, comments, and attention checks: with ``expected`` an answer is right or wrong.
"""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from . import (
    Answer,
    Column,
    Composition,
    Control,
    Item,
    OptionError,
    Options,
    Screen,
    Stimulus,
    check_controls,
    check_scale,
    pictures,
    scale_control,
)

VERSION = 1
KINDS = ("choice", "several", "text", "number", "scale")
KEYBOARD = "Tab reaches the answers, the arrow keys or the space bar choose, Enter on the button sends them."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "the answer; several choices are joined by “ | ”"),
    "number": ("number", "", "the answer as a number, where the question asks for one"),
    "answer_key": ("string", "", "the expected answer of an attention check, alternatives joined by “ | ”"),
    "correct": ("boolean", "", "whether the answer is the expected one, where one is expected"),
}


def present(
    stimulus: Stimulus,
    *,
    kind: str = "choice",
    prompt: str = "",
    choices: Sequence[Sequence[str]] = (),
    points: int = 5,
    low_label: str = "",
    high_label: str = "",
    low: float = 0.0,
    high: float = 1000.0,
    required: bool = True,
    maximum_length: int = 2000,
    expected: Sequence[str] = (),
    panels: Sequence[str] = (),
    alt: str = "",
) -> Screen:
    """The prompt with one control of ``kind``; ``choices`` are (value, text) pairs, in the order they are shown."""
    values = tuple((value, text) for value, text in choices)
    if kind in ("choice", "several"):
        control = Control("choice", "answer", prompt, values, several=kind == "several", required=required)
    elif kind == "scale":
        control = scale_control("answer", prompt, points, low_label, high_label, required=required)
    elif kind == "number":
        control = Control("number", "answer", prompt, low=low, high=high, required=required)
    else:
        control = Control("text", "answer", prompt, required=required, maximum_length=maximum_length)
    return Screen(prompt, pictures(stimulus, panels, alt), (control,))


def check_options(options: Options) -> None:
    kind, choices, expected = options["kind"], options["choices"], options["expected"]
    if not options["prompt"]:
        raise OptionError("needs the text prompt: the question.")
    if kind not in KINDS:
        raise OptionError(f"kind = “{kind}” should be one of: {', '.join(KINDS)}.")
    if not all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in expected):
        raise OptionError('expected should hold texts, such as ["yes"], or numbers.')
    if kind in ("choice", "several"):
        pairs = [pair for pair in choices if isinstance(pair, list | tuple) and len(pair) == 2]
        if len(pairs) < 2 or len(pairs) != len(choices) or not all(isinstance(part, str) for p in pairs for part in p):
            raise OptionError('choices should be at least two pairs, such as ["yes", { en = "Yes" }].')
        if len({value for value, _ in pairs}) < len(pairs):
            raise OptionError("choices hold the same value twice; each needs its own.")
        if unknown := [value for value in _expected(options) if value not in {value for value, _ in pairs}]:
            raise OptionError(f"expected holds {', '.join(unknown)}, which is none of the choices.")
    if kind == "scale":
        check_scale(options["points"], options["low_label"], options["high_label"])
    if kind == "number" and options["low"] >= options["high"]:
        raise OptionError(f"low = {options['low']:g} should be less than high = {options['high']:g}.")
    if kind == "number" and not all(_is_number(value) for value in expected):
        raise OptionError("expected should hold numbers, as texts, where kind is “number”.")
    if options["panels"] and not options["alt"]:
        raise OptionError("a question with panels needs the text alt: what a screen reader calls the picture.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    value, expected = answer.get("answer"), _expected(options)
    given = value if isinstance(value, list) else [] if value in (None, "") else [_plain(value)]
    is_number = options["kind"] in ("number", "scale") and given
    if not expected or not given:
        correct = None
    elif options["kind"] == "several":
        correct = set(given) == set(expected)
    else:
        correct = given[0].strip().casefold() in {one.strip().casefold() for one in expected}
    return {
        "response": " | ".join(given) if given else None,
        "number": float(given[0]) if is_number else None,
        "answer_key": " | ".join(expected) if expected else None,
        "correct": correct,
    }


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _expected(options: Options) -> list[str]:
    """What is expected as an answer is written, so that a 7 is one however the study file writes it."""
    texts = [_plain(one) for one in options["expected"]]
    return [_plain(float(one)) for one in texts] if options["kind"] == "number" else texts


def _is_number(text: str | float) -> bool:
    try:
        return math.isfinite(float(text))
    except (ValueError, OverflowError):
        return False


def chance(options: Options) -> float | None:
    """By guessing among what can be chosen; None where nothing is expected or the answer is not chosen."""
    kind, expected = options["kind"], options["expected"]
    if not expected or kind in ("text", "number"):
        return None
    if kind == "several":
        subsets: int = 2 ** len(options["choices"])
        return 1 / (subsets - 1 if options["required"] else subsets)
    return len(set(_expected(options))) / int(options["points"] if kind == "scale" else len(options["choices"]))


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """No texts; the key is what is expected, if anything is."""
    return Composition(key={"expected": _expected(options)} if options["expected"] else {})


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Gives the expected answer with probability ``skill``, otherwise any."""
    control = screen.controls[0]
    expected = list((key or {}).get("expected", ()))
    if expected and rng.random() < skill:
        if control.several:
            return {"answer": expected}
        return {"answer": float(expected[0]) if control.kind == "number" else expected[0]}
    offered = [value for value, _ in control.values]
    if control.several:
        subset = rng.randint(1 if control.required else 0, 2 ** len(offered) - 1)
        return {"answer": [value for n, value in enumerate(offered) if subset >> n & 1]}
    if offered:
        return {"answer": rng.choice(offered)}
    if control.kind == "number":
        return {"answer": rng.randint(math.ceil(control.low or 0), math.floor(control.high or 0))}
    return {"answer": "A simulated answer."}
