"""Which of two photos excites the network more, going by this picture?

Forced choice between two photos beside what explains a unit or class, with confidence in three levels: Borowski et al.
2021 (arXiv 2010.12606), Zimmermann et al. 2023 (arXiv 2307.05471). The right one is what the network measured.
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
    panels: Sequence[str] = ("explanation",),
) -> Screen:
    """The condition's picture where ``panels`` name it, and two photos; ``pairs`` say which ones and stay hidden."""
    return _pairs.pair_screen(stimulus, prompt, alt, panels, reference_alt)
