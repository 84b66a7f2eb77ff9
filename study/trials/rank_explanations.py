"""In which order do these explanations explain the label?

All of them in order, or the best and the worst only (best-worst scaling: Louviere, Flynn & Marley 2015). An order has
no truth: it is plausibility.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from . import (
    Answer,
    AnswerError,
    Column,
    Composition,
    Control,
    Item,
    OptionError,
    Options,
    Screen,
    Stimulus,
    Wanted,
    check_controls,
    pictures,
)
from ._lettered import lettered, placed, unplaced

VERSION = 1
COMPARED = (3, 8)
KEYBOARD = "Tab reaches the letters, the space bar takes the next or the arrow keys choose, Enter on the button sends."
COLUMNS: dict[str, Column] = {
    "response": (
        "string",
        "",
        "the conditions from the best to the worst, joined by “ > ”; best > worst of best_worst",
    ),
    "best": ("string", "", "the condition that came first"),
    "worst": ("string", "", "the condition that came last"),
    "compared": ("integer", "", "how many conditions were shown"),
    "first": ("string", "", "the condition that stood first on the screen"),
}


def present(
    stimulus: Stimulus,
    *,
    kind: str = "order",
    prompt: str = "",
    alt: str = "",
    best_label: str = "",
    worst_label: str = "",
    panels: Sequence[str] = (),
) -> Screen:
    """The conditions' pictures of one item over an ``order`` of all, or the questions for the best and the worst."""
    shown, letters = lettered(stimulus, "option", alt)
    values = placed(letters)
    if kind == "order":
        controls: tuple[Control, ...] = (Control("order", "order", prompt, values),)
    else:
        controls = (Control("choice", "best", best_label, values), Control("choice", "worst", worst_label, values))
    return Screen(prompt, pictures(stimulus, panels, alt) + shown, controls)


def check_options(options: Options) -> None:
    if options["kind"] not in ("order", "best_worst"):
        raise OptionError(f"kind = “{options['kind']}” should be “order” or “best_worst”.")
    if not options["prompt"] or not options["alt"]:
        raise OptionError("needs two texts: prompt, the question, and alt, what a screen reader calls the pictures.")
    if options["kind"] == "best_worst" and not (options["best_label"] and options["worst_label"]):
        raise OptionError("best_worst needs two texts: best_label and worst_label.")


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)
    if "best" in answer and answer["best"] == answer.get("worst"):
        raise AnswerError(f"“{screen.controls[1].label}” takes another picture than “{screen.controls[0].label}”.")


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    given = answer.get("order") or [answer[name] for name in ("best", "worst") if answer.get(name)]
    if not given:
        return dict.fromkeys(COLUMNS)
    ranked = [key["shown"][unplaced(value)[0] - 1] for value in given]
    first = key["shown"][unplaced(given[0])[1][0] - 1]
    return {
        "response": " > ".join(ranked),
        "best": ranked[0],
        "worst": ranked[-1],
        "compared": len(key["shown"]),
        "first": first,
    }


def chance(options: Options) -> float | None:
    """None: no order is the correct one."""
    return None


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The compared conditions' pictures in an order drawn by ``rng``; the key only says which is which."""
    if item is None or len(item.compared) < COMPARED[0]:
        raise OptionError("rank_explanations needs a condition that compares three or more others, for every item.")
    order = rng.sample(list(item.compared), len(item.compared))
    return Composition(key={"shown": order}, pictures=tuple(Wanted("option", condition=name) for name in order))


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Ranks by the conditions' names with probability ``skill``, otherwise at random: an effect to be found."""
    values = [value for value, _ in screen.controls[0].values]
    order = rng.sample(values, len(values))
    if key is not None and rng.random() < skill:
        order = sorted(values, key=lambda value: key["shown"][unplaced(value)[0] - 1])
    return {"order": order} if screen.control("order") else {"best": order[0], "worst": order[-1]}
