"""Is this label right, given its explanation?

HIVE's agreement task (Kim et al. 2022, arXiv 2112.03184) and Taesiri, Nguyen & Nguyen 2022 (arXiv 2208.00780). The
label is what the network says of a photo; where it was not asked, the item's class for half of the items and another
class for the others. Explanations can shift people towards “yes”, so d′ and criterion are reported first.
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
    Slot,
    Stimulus,
    check_controls,
    named,
    pictures,
)

VERSION = 1
KEYBOARD = "Tab reaches the answers, the arrow keys choose one, Enter on the button sends it."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "yes or no: whether the label was said to be right"),
    "answer_key": ("string", "", "yes where the label is right, otherwise no"),
    "correct": ("boolean", "", "whether the answer is that one"),
    "label_shown": ("string", "", "the label that was judged"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    label_text: str = "",
    base_rate: str = "",
    yes_label: str = "",
    no_label: str = "",
    names: Mapping[str, str] | None = None,
    pool: Sequence[str] = (),
    panels: Sequence[str] = ("explanation",),
) -> Screen:
    """The pictures, the label after ``label_text``, how often labels are right if ``base_rate`` tells it; yes or no."""
    texts = [f"{label_text} {named(slot.text, names)}".strip() for slot in stimulus.having("label")]
    told = tuple(Panel("text", text) for text in (*texts, base_rate) if text)
    control = Control("choice", "agree", prompt, (("yes", yes_label), ("no", no_label)))
    return Screen(prompt, pictures(stimulus, panels, alt) + told, (control,))


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the picture.")
    if not options["yes_label"] or not options["no_label"]:
        raise OptionError("needs two texts: yes_label and no_label, the two answers.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    given = answer.get("agree")
    return {
        "response": given,
        "answer_key": key.get("correct"),
        "correct": None if given is None or "correct" not in key else given == key["correct"],
        "label_shown": key.get("label"),
    }


def chance(options: Options) -> float | None:
    """One half: yes or no."""
    return 1 / 2


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """What the network says and whether it is right; or the item's class or another one, each with probability 1/2."""
    truth, strata = (item.truth, item.strata) if item else ({}, {})
    if "predicted" in truth and "network_is_right" in strata:
        label, is_right = str(truth["predicted"]), bool(strata["network_is_right"])
    elif truth.get("class"):
        own = str(truth["class"])
        others = sorted(
            ({str(one.truth["class"]) for one in items if "class" in one.truth} | set(options["pool"])) - {own}
        )
        if not others:
            raise OptionError(f"a wrong label needs a class besides “{own}” among the items, or in pool.")
        other, is_right = rng.choice(others), rng.random() < 1 / 2
        label = own if is_right else other
    else:
        raise OptionError("agree_with_label needs an item with a class; this one has none.")
    return Composition((Slot("label", text=label),), {"correct": "yes" if is_right else "no", "label": label})


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Knows whether the label is right with probability ``skill``, otherwise guesses."""
    knows = key is not None and "correct" in key and rng.random() < skill
    guess = rng.choice(["yes", "no"])
    return {"agree": key["correct"] if key is not None and knows else guess}
