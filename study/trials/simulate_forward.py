"""What will the network say of this photo?

Forward simulation: Doshi-Velez & Kim 2017 (arXiv 1702.08608), Colin et al. 2022 (arXiv 2112.04417). The photo comes
without a map; the answer is held against the network's own, whatever the photo shows. How much the explanations helped
is told by the same items after ``k`` examples with maps and after as many without.
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
KEYBOARD = "Tab reaches the classes, the arrow keys choose one, Enter on the button sends it."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "the class that was predicted, as the network names it"),
    "answer_key": ("string", "", "the class that the network says"),
    "correct": ("boolean", "", "whether the predicted class is that one"),
    "k": ("integer", "", "how many examples came before, as the study document says"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    alternatives: int = 2,
    pool: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    k: int = 0,
    panels: Sequence[str] = ("photo",),
) -> Screen:
    """The photo over n classes, which stand in an order drawn for each presentation."""
    classes = shuffled([slot.text for slot in stimulus.having("alternative")], stimulus.seed)
    control = Control("choice", "class", prompt, tuple((label, named(label, names)) for label in classes))
    return Screen(prompt, pictures(stimulus, panels, alt), (control,))


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the photo.")
    if options["alternatives"] < 2:
        raise OptionError(f"alternatives = {options['alternatives']} should be at least 2.")
    if options["k"] < 0:
        raise OptionError(f"k = {options['k']} should be at least 0: the number of examples before.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    chosen = answer.get("class")
    return {
        "response": chosen,
        "answer_key": key.get("correct"),
        "correct": None if chosen is None or "correct" not in key else chosen == key["correct"],
        "k": int(options["k"]),
    }


def chance(options: Options) -> float | None:
    """One over the number of classes."""
    return 1 / int(options["alternatives"])


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The network's answer, the photo's own label where that is another (it is what tempts), and others drawn."""
    truth, strata = (item.truth, item.strata) if item else ({}, {})
    target = str(truth.get("predicted") or truth.get("class") or "")
    if not target:
        raise OptionError("simulate_forward needs an item of which the network says a class; this one has none.")
    own = str(strata.get("label") or truth.get("class") or target)
    offered = {target, own}
    pool = {str(one.truth["class"]) for one in items if one.truth.get("class")} | set(options["pool"])
    known = "” and “".join(sorted(offered))
    wanted, others = int(options["alternatives"]) - len(offered), sorted(pool - offered)
    if len(others) < wanted:
        raise OptionError(
            f"alternatives = {options['alternatives']} need {wanted} classes besides “{known}”, "
            f"but there are {len(others)}: name some in pool, or offer fewer alternatives."
        )
    classes = sorted([*offered, *rng.sample(others, wanted)])  # sorted: the stored order says nothing
    return Composition(tuple(Slot("alternative", text=label) for label in classes), {"correct": target})


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Knows what the network says with probability ``skill``, otherwise guesses."""
    knows = key is not None and "correct" in key and rng.random() < skill
    guess = rng.choice([value for value, _ in screen.controls[0].values])
    return {"class": key["correct"] if key is not None and knows else guess}
