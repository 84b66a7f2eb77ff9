"""Which of two explanations explains the label better?

Pairwise preference with ties, after Jeyakumar et al. 2020 (NeurIPS). A preference has no truth: it is plausibility. The
two conditions' numbers are drawn for each item, their places on the screen for each presentation.
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
    Wanted,
    check_controls,
    named,
    pictures,
)
from ._lettered import lettered, placed, unplaced

VERSION = 1
COMPARED = (2, 2)
TIE = "no difference"
KEYBOARD = "Tab reaches the letters, the arrow keys choose one, Enter on the button sends it."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "the condition that was chosen, or “no difference”"),
    "winner": ("string", "", "the condition that was preferred"),
    "loser": ("string", "", "the condition that was not preferred"),
    "tie": ("boolean", "", "whether neither was preferred; winner and loser are then the two in alphabetical order"),
    "first": ("string", "", "the condition that stood first on the screen"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    tie_label: str = "",
    name_class: bool = False,
    names: Mapping[str, str] | None = None,
    panels: Sequence[str] = (),
) -> Screen:
    """Two conditions' pictures of one item, A and B; a text for ``tie_label`` also offers that neither is better."""
    shown, letters = lettered(stimulus, "option", alt)
    values = placed(letters)
    if tie_label:
        values += ((f"0{values[0][0][1:]}", tie_label),)
    texts = tuple(Panel("text", named(slot.text, names)) for slot in stimulus.having("class"))
    return Screen(
        prompt, texts + pictures(stimulus, panels, alt) + shown, (Control("choice", "choice", prompt, values),)
    )


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the pictures.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    if answer.get("choice") is None:
        return dict.fromkeys(COLUMNS)
    number, order = unplaced(answer["choice"])
    one, other = key["shown"]
    if number == 0:
        response, (winner, loser) = TIE, sorted((one, other))
    else:
        winner, loser = (one, other) if number == 1 else (other, one)
        response = winner
    first = key["shown"][order[0] - 1]
    return {"response": response, "winner": winner, "loser": loser, "tie": number == 0, "first": first}


def chance(options: Options) -> float | None:
    """None: no preference is the correct one."""
    return None


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The two compared conditions' pictures in an order drawn by ``rng``; the key only says which is which."""
    if item is None or len(item.compared) != 2:
        raise OptionError("choose_explanation needs a condition that compares two others (compare), for every item.")
    if options["name_class"] and not item.truth.get("class"):
        raise OptionError("name_class needs an item with a class; this one has none.")
    order = rng.sample(list(item.compared), 2)
    texts = (Slot("class", text=str(item.truth["class"])),) if options["name_class"] else ()
    return Composition(texts, {"shown": order}, tuple(Wanted("option", condition=name) for name in order))


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Prefers the condition whose name comes first with probability ``skill``, otherwise any: an effect to be found."""
    values = [value for value, _ in screen.controls[0].values]
    if key is not None and rng.random() < skill:
        best = 1 + key["shown"].index(min(key["shown"]))
        return {"choice": next(value for value in values if unplaced(value)[0] == best)}
    return {"choice": rng.choice(values)}
