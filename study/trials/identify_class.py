"""Which of several classes does this picture show?

Forced choice among n alternatives, after Simonyan et al. 2013 (arXiv 1312.6034), whose class models were shown without
asking anybody, and Selvaraju et al. 2017 (arXiv 1610.02391), who asked which class a map speaks of.
Distractors are drawn afresh for each stimulus from the study's classes, so that no class can be ruled out from one
trial to the next; they are stored with the stimulus, and shown in an order that each presentation draws anew.
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
    Screen,
    Slot,
    Stimulus,
    check_controls,
    named,
    pictures,
    shuffled,
)

VERSION = 1
NONE = "none of these"  # the value of that alternative: no class of a network is stored under it
KEYBOARD = "Tab reaches the alternatives, the arrow keys choose one, Enter on the button sends it."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "the class that was chosen, as the network names it"),
    "answer_key": ("string", "", "the class the picture stands for"),
    "correct": ("boolean", "", "whether the chosen class is that class"),
    "is_none": ("boolean", "", "whether “none of these” was chosen"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    alternatives: int = 4,
    pool: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    none_label: str = "",
    panels: Sequence[str] = ("explanation",),
) -> Screen:
    """The pictures over n classes; a text for ``none_label`` adds that answer."""
    classes = shuffled([slot.text for slot in stimulus.having("alternative")], stimulus.seed)
    values = [(label, named(label, names)) for label in classes]
    if none_label:
        values.append((NONE, none_label))
    control = Control("choice", "class", prompt, tuple(values))
    return Screen(prompt, pictures(stimulus, panels, alt), (control,))


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the picture.")
    if options["alternatives"] < 2:
        raise OptionError(f"alternatives = {options['alternatives']} should be at least 2.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    chosen = answer.get("class")
    return {
        "response": chosen,
        "answer_key": key.get("correct"),
        "correct": None if chosen is None or "correct" not in key else chosen == key["correct"],
        "is_none": None if chosen is None else chosen == NONE,
    }


def chance(options: Options) -> float | None:
    """One over the number of classes; whoever answers “none of these” does not guess one."""
    return 1 / int(options["alternatives"])


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The item's class and ``alternatives`` − 1 others, drawn from the classes of all items and of ``pool``."""
    if item is None or not item.truth.get("class"):
        raise OptionError("identify_class needs an item with a class; this one has none.")
    target = str(item.truth["class"])
    others = sorted(({str(other.truth["class"]) for other in items} | set(options["pool"])) - {target})
    wanted = int(options["alternatives"]) - 1
    if len(others) < wanted:
        raise OptionError(
            f"alternatives = {wanted + 1} need {wanted} classes besides “{target}”, but there are {len(others)}: "
            "have more classes among the items, name some in pool, or offer fewer alternatives."
        )
    offered = sorted([target, *rng.sample(others, wanted)])  # sorted: the stored order says nothing
    return Composition(tuple(Slot("alternative", text=label) for label in offered), {"correct": target})


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Knows the class with probability ``skill``, otherwise guesses among the classes."""
    control = screen.controls[0]
    knows = key is not None and rng.random() < skill
    guess = rng.choice([value for value, _ in control.values if value != NONE])
    return {"class": key["correct"] if key is not None and knows else guess}
