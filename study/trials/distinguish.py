"""The maps of one photo for several classes: for which of them did the network decide?

Kim et al. 2022 (HIVE, arXiv 2112.03184), distinction task. The classes stay unnamed unless ``show_names``, since
whoever reads a name beside the photo needs no map. What is right is the network's own answer, whatever the photo shows.
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
    named,
    pictures,
)
from ._lettered import lettered

VERSION = 1
KEYBOARD = "Tab reaches the letters, the arrow keys choose one, Enter on the button sends it."
COLUMNS: dict[str, Column] = {
    "response": ("string", "", "the number of the chosen map in its stimulus (not its place on the screen)"),
    "answer_key": ("string", "", "the number of the map for the class that the network chose"),
    "correct": ("boolean", "", "whether the chosen map is that one"),
    "chosen": ("string", "", "the class that the chosen map is for"),
}


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    photo_alt: str = "",
    alternatives: int = 4,
    pool: Sequence[str] = (),
    show_names: bool = False,
    names: Mapping[str, str] | None = None,
    panels: Sequence[str] = (),
) -> Screen:
    """One map a class, A, B, ...; ``panels`` = ["photo"] sets the photo before them."""
    shown, values = lettered(stimulus, "option", alt)
    if show_names:
        labels = [slot.text for slot in stimulus.having("option")]
        told = {letter: f"{letter}: {named(labels[int(number) - 1], names)}" for number, letter in values}
        shown = tuple(Panel(one.kind, one.content, one.alt, told[one.caption]) for one in shown)
        values = tuple((number, told[letter]) for number, letter in values)
    controls = (Control("choice", "choice", prompt, values),)
    return Screen(prompt, pictures(stimulus, panels, photo_alt) + shown, controls)


def check_options(options: Options) -> None:
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the maps.")
    if options["panels"] and not options["photo_alt"]:
        raise OptionError("panels need the text photo_alt: what a screen reader calls the photo.")
    if not 2 <= options["alternatives"] <= 26:
        raise OptionError(f"alternatives = {options['alternatives']} should be from 2 to 26.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    return _pairs.score(answer, key, options)


def chance(options: Options) -> float | None:
    """One over the number of maps."""
    return 1 / int(options["alternatives"])


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """A map for the network's own answer and for others, drawn from the classes of the items and of ``pool``."""
    target = str((item.truth.get("predicted") or item.truth.get("class") or "") if item else "")
    if item is None or not target:
        raise OptionError("distinguish needs an item of which the network says a class; this one has none.")
    others = {str(other.truth["class"]) for other in items if other.truth.get("class")} | set(options["pool"])
    wanted, offered = int(options["alternatives"]) - 1, sorted(others - {target})
    if len(offered) < wanted:
        raise OptionError(
            f"alternatives = {wanted + 1} need {wanted} classes besides “{target}”, but there are {len(offered)}: "
            "have more classes among the items, name some in pool, or offer fewer alternatives."
        )
    classes = sorted([target, *rng.sample(offered, wanted)])  # sorted: the stored order says nothing
    key = {"correct": str(1 + classes.index(target)), "shown": classes}
    text = {label: label if options["show_names"] else "" for label in classes}
    return Composition(key=key, pictures=tuple(Wanted("option", target=one, text=text[one]) for one in classes))


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Knows the network's class with probability ``skill``, otherwise guesses."""
    return _pairs.bot(screen, key, skill, rng)
