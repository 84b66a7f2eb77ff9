"""Which of two photos was edited?

Whether an edit that changes the network's answer can be seen: one photo is as it was, the other was edited towards a
class. Forced choice between two, scored by d′ as well (Macmillan & Creelman 2005).
"""

from collections.abc import Sequence

from . import Screen, Stimulus, _pairs, check_controls

VERSION = 2
KEYBOARD, COLUMNS = _pairs.KEYBOARD, _pairs.COLUMNS
check_options, compose, chance = _pairs.check_options, _pairs.compose, _pairs.chance
check, score, bot = check_controls, _pairs.score, _pairs.bot


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
