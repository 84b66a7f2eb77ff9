"""How many are there? One, two, three, more; or one cannot tell.

Visualizations of a class often repeat it (Simonyan et al. 2013, arXiv 1312.6034). Where it is known how many there are
(``counts``), an answer is right or wrong; otherwise the distribution is reported.
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
    Stimulus,
    check_controls,
    pictures,
)

VERSION = 1
NUMBERS = ("one", "two", "three", "more")
UNCLEAR = "cannot tell"
KEYBOARD = "Tab reaches the answers, the arrow keys choose one, Enter on the button sends it."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "one, two, three, more, or “cannot tell”"),
    "answer_key": ("string", "", "how many there are, where it is known"),
    "correct": ("boolean", "", "whether the answer is that number, where it is known"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    one_label: str = "",
    two_label: str = "",
    three_label: str = "",
    more_label: str = "",
    unclear_label: str = "",
    counts: Sequence[Sequence[Any]] = (),
    panels: Sequence[str] = ("explanation",),
) -> Screen:
    """The pictures over the numbers; ``counts`` are [item, number, how it is known] and stay hidden."""
    labels = (one_label, two_label, three_label, more_label, unclear_label)
    values = tuple(zip((*NUMBERS, UNCLEAR), labels, strict=True))
    return Screen(prompt, pictures(stimulus, panels, alt), (Control("choice", "count", prompt, values),))


def check_options(options: Options) -> None:
    labels = ["one_label", "two_label", "three_label", "more_label", "unclear_label"]
    if missing := [name for name in ("prompt", "alt", *labels) if not options[name]]:
        raise OptionError(f"needs a text for {', '.join(missing)}.")
    for known in options["counts"]:
        is_known = isinstance(known, list | tuple) and len(known) == 3 and isinstance(known[0], str)
        if not is_known or type(known[1]) is not int or known[1] < 1:
            raise OptionError(
                'counts should be lists of an item, its number and how it is known: ["goose", 2, "planted"].'
            )


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    said, known = answer.get("count"), key.get("correct")
    return {
        "response": said,
        "answer_key": known,
        "correct": None if said is None or known is None else said == known,
    }


def chance(options: Options) -> float | None:
    """One of four where every answer could be right; None where no number is known."""
    return 1 / len(NUMBERS) if options["counts"] else None


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """No texts; the key is the item's number where ``counts`` know it."""
    number = next((known[1] for known in options["counts"] if item is not None and known[0] == item.name), None)
    return Composition(key={} if number is None else {"correct": NUMBERS[min(number, len(NUMBERS)) - 1]})


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Counts right with probability ``skill``, otherwise guesses a number."""
    known = (key or {}).get("correct")
    return {"count": known if known and rng.random() < skill else rng.choice(NUMBERS)}
