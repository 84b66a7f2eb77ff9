"""Which of two changes to a photo changes the network's answer more?

Two occlusions, in-fills or edits of one photo, after Zimmermann et al. 2021 (arXiv 2106.12447), beside the explanation
that should tell. The right one is the one that the network's score says.
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
