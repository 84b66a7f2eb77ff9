"""Which of two photos was edited?

Whether an edit that changes the network's answer can be seen: one photo is as it was, the other was edited towards a
class. Forced choice between two, scored by d′ as well (Macmillan & Creelman 2005).
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Composition, Item, Options, Screen, Stimulus, _pairs, check_controls

VERSION = 2
KEYBOARD = _pairs.KEYBOARD
COLUMNS = _pairs.COLUMNS


def present(
    stimulus: Stimulus,
    *,
    prompt: str = "",
    alt: str = "",
    reference_alt: str = "",
    pairs: Sequence[Sequence[str]] = (),
    panels: Sequence[str] = (),
) -> Screen:
    """The condition's picture where ``panels`` name it, and two photos; ``pairs`` say which ones and stay hidden."""
    return _pairs.pair_screen(stimulus, prompt, alt, panels, reference_alt)


def check_options(options: Options) -> None:
    _pairs.check_pair_options(options)


def check(screen: Screen, answer: Answer) -> None:
    check_controls(screen, answer)


def score(answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
    return _pairs.score_choice(answer, key)


def chance(options: Options) -> float | None:
    """One half: two photos."""
    return 1 / 2


def compose(item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
    """The item's two photos, and which of them is right."""
    return _pairs.compose_pair(item, options, rng)


def bot(screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
    """Knows the right photo with probability ``skill``, otherwise guesses."""
    return _pairs.choosing_bot(screen, key, skill, rng)
