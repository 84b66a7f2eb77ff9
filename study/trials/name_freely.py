"""What do you see? In one's own words.

Nothing is offered, so nothing can be guessed from what is (naming of pictures: Snodgrass & Vanderwart 1980). An answer
is right where it is one of the class's names, case, accents and punctuation apart; what only resembles one is left for
the analysis, and disputed answers for human coders.
"""

import random
import re
import unicodedata
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
    pictures,
)

VERSION = 1
KEYBOARD = "Tab reaches the text field and the button, Enter on the button sends the answer."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "what was written"),
    "answer_key": ("string", "", "the class the picture stands for"),
    "correct": ("boolean", "", "whether one of the things written, separated by commas, is one of the class's names"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    synonyms: Mapping[str, str] | None = None,
    maximum_length: int = 200,
    panels: Sequence[str] = ("explanation",),
) -> Screen:
    """The pictures over a line to write on; ``synonyms`` are each class's other names, separated by commas."""
    control = Control("text", "name", prompt, maximum_length=maximum_length)
    return Screen(prompt, pictures(stimulus, panels, alt), (control,))


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the picture.")
    if not 1 <= options["maximum_length"] <= 2000:
        raise OptionError(f"maximum_length = {options['maximum_length']} should be from 1 to 2000 characters.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    said, label = answer.get("name"), key.get("class")
    names = {folded(one) for one in [str(label), *(options["synonyms"] or {}).get(str(label), "").split(",")]} - {""}
    given = {folded(one) for one in [said, *re.split(r"[,;/\n]", said)]} if said else set()
    return {
        "response": said,
        "answer_key": label,
        "correct": None if not said or label is None else bool(names & given),
    }


def folded(text: str) -> str:
    """Letters and digits of any script in lower case, without accents; everything else is a space."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
    return " ".join(re.sub(r"[\W_]+", " ", plain).split())


def chance(options: Options) -> float | None:
    """None: nothing is offered to guess among."""
    return None


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """No texts; the key is the item's class, if it has one."""
    label = item.truth.get("class") if item else None
    return Composition(key={"class": str(label)} if label else {})


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Writes the class's name with probability ``skill``, otherwise that it does not know."""
    knows = key is not None and "class" in key and rng.random() < skill
    name = key["class"] if key is not None and knows else "I do not know"
    return {"name": name[: screen.controls[0].maximum_length]}
