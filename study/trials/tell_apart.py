"""Can people see a difference at all?

ABX: is X the same as A or as B? Or the odd one out of three (triangle test). See Macmillan & Creelman 2005, chapter 9.
The picture that is shown twice has two addresses, so that nothing but the eye tells.
"""

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
    Panel,
    Screen,
    Stimulus,
    Wanted,
    _pairs,
    check_controls,
)
from ._lettered import lettered

VERSION = 2
COMPARED = (2, 2)
KEYBOARD = "Tab reaches the letters, the arrow keys choose one, Enter on the button sends it."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "the number of the chosen picture in its stimulus (not its place on the screen)"),
    "answer_key": ("string", "", "the number of the picture that equals X, or that is the odd one"),
    "correct": ("boolean", "", "whether the chosen picture is that one"),
    "chosen": ("string", "", "the condition of the chosen picture"),
}


def present(
    stimulus: Stimulus,
    *,
    kind: str = "abx",
    prompt: str = "",
    alt: str = "",
) -> Screen:
    """A, B and X (``abx``), or A, B and C of which two are the same (``odd_one_out``)."""
    shown, values = lettered(stimulus, "option", alt)
    shown += tuple(Panel("picture", slot.picture, f"{alt} X", "X") for slot in stimulus.having("x"))
    return Screen(prompt, shown, (Control("choice", "choice", prompt, values),))


def check_options(options: Options) -> None:
    if options["kind"] not in ("abx", "odd_one_out"):
        raise OptionError(f"kind = “{options['kind']}” should be “abx” or “odd_one_out”.")
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the pictures.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    return _pairs.score(answer, key, options)


def chance(options: Options) -> float | None:
    """One half of ABX, one third of three."""
    return 1 / 2 if options["kind"] == "abx" else 1 / 3


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The two compared conditions' pictures, one of them twice; which one, and in which order, is drawn by ``rng``."""
    if item is None or len(item.compared) != 2:
        raise OptionError("tell_apart needs a condition that compares two others (compare), for every item.")
    twice, once = rng.sample(list(item.compared), 2)
    pictures = [Wanted("option", condition=twice), Wanted("option", condition=once)]
    if options["kind"] == "abx":
        rng.shuffle(pictures)
        correct = next(n for n, one in enumerate(pictures, start=1) if one.condition == twice)
        x: tuple[Wanted, ...] = (Wanted("x", condition=twice, copy=1),)
    else:
        pictures.append(Wanted("option", condition=twice, copy=1))
        rng.shuffle(pictures)
        correct = next(n for n, one in enumerate(pictures, start=1) if one.condition == once)
        x = ()
    key = {"correct": str(correct), "shown": [one.condition for one in pictures]}
    return Composition(key=key, pictures=(*pictures, *x))


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Sees the difference with probability ``skill``, otherwise guesses."""
    return _pairs.bot(screen, key, skill, rng)
