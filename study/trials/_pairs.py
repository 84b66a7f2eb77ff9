"""Which of two stored photos? What the questions share that show a pair whose truth is known.

The pairs stand in the study document: [item, the photo that is right, the other photo], by the images' stored names;
where they do not, those of items that are units are what the network measured. Both photos are shown as the network
sees them; which of them is number 1 is drawn for each stimulus.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Column, Composition, Control, Item, OptionError, Options, Screen, Stimulus, Wanted, pictures
from ._lettered import lettered

KEYBOARD = "Tab reaches the letters, the arrow keys choose one, Enter on the button sends it."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "the number of the chosen photo in its stimulus (not its place on the screen)"),
    "answer_key": ("string", "", "the number of the photo that is right"),
    "correct": ("boolean", "", "whether the chosen photo is that one"),
    "chosen": ("string", "", "the stored name of what was chosen"),
}


def pair_screen(stimulus: Stimulus, prompt: str, alt: str, panels: Sequence[str], reference_alt: str) -> Screen:
    """The reference pictures, then the two photos as A and B."""
    shown, values = lettered(stimulus, "option", alt)
    control = Control("choice", "choice", prompt, values)
    return Screen(prompt, pictures(stimulus, panels, reference_alt) + shown, (control,))


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the two photos.")
    if options["panels"] and not options["reference_alt"]:
        raise OptionError("panels need the text reference_alt: what a screen reader calls the picture beside the two.")
    for pair in options["pairs"]:
        is_three = isinstance(pair, list | tuple) and len(pair) == 3 and all(isinstance(one, str) for one in pair)
        if not is_three or pair[1] == pair[2]:
            raise OptionError(
                'pairs should be lists of an item and two stored photos, the right one first, such as ["goose", '
                '"goose_1.png", "goose_2.png"].'
            )
    if len({pair[0] for pair in options["pairs"]}) < len(options["pairs"]):
        raise OptionError("pairs hold an item twice; each has one pair.")


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The item's two photos in an order drawn by ``rng``, and which of them is right."""
    found = next((pair for pair in options["pairs"] if item is not None and pair[0] == item.name), None)
    if found is None and item is not None and not options["pairs"] and {"right", "other"} <= set(item.truth):
        found = (item.name, str(item.truth["right"]), str(item.truth["other"]))
    if found is None:
        raise OptionError(
            f"pairs have none for “{item.name if item else 'a question without a picture'}”; each item, and each "
            "“practice 1”, “catch 1”, ..., needs one."
        )
    order = rng.sample(found[1:], 2)
    wanted = tuple(Wanted("option", image=name) for name in order)
    return Composition(key={"correct": str(1 + order.index(found[1])), "shown": order}, pictures=wanted)


def chance(options: Options) -> float | None:
    """One half: two photos."""
    return 1 / 2


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """The columns of a choice among numbered pictures; ``key`` is {"correct": number, "shown": what each is}."""
    chosen = answer.get("choice")
    return {
        "response": chosen,
        "answer_key": key.get("correct"),
        "correct": None if chosen is None or "correct" not in key else chosen == key["correct"],
        "chosen": None if chosen is None or "shown" not in key else key["shown"][int(chosen) - 1],
    }


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Knows the right one with probability ``skill``, otherwise guesses."""
    knows = key is not None and "correct" in key and rng.random() < skill
    guess = rng.choice([value for value, _ in screen.controls[0].values])
    return {"choice": key["correct"] if key is not None and knows else guess}
