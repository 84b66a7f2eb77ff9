"""The simulated studies whose error rates docs/statistics.md tells: measured by the bench, held by a slow test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tests.study import simulated_studies as made
from tests.study.simulated_studies import Drawn, ErrorRates

Draw = Callable[[np.random.Generator], Drawn]
CHANCES = {"1/2": 1 / 2, "1/4": 1 / 4, "1/10": 1 / 10}
EFFECT = 0.8  # on the logit scale, for the coverage of a difference that is there


@dataclass(frozen=True)
class Setting:
    """One kind of study; ``chance`` where a mean is tested, ``truth`` where a difference is."""

    label: str
    draw: Draw
    chance: float | None = None
    truth: float = 0.0

    def rates(self, seed: int, studies: int) -> ErrorRates:
        if self.chance is not None:
            return made.of_mean(seed, studies, self.draw, self.chance)
        return made.of_difference(seed, studies, self.draw, self.truth)


def means() -> Iterator[Setting]:
    """A mean against chance: small and large, everybody answering everything or not, much difference between items."""
    for name, chance in CHANCES.items():
        for people, items in ((30, 20), (200, 60)):
            balanced = _crossed(people, items, chance)
            yield Setting(f"{people} x {items}, chance {name}", balanced, chance)
            yield Setting(f"{people} x {items}, chance {name}, unbalanced", _unbalanced(balanced), chance)
        yield Setting(f"60 x 10, chance {name}, item SD 1.5", _crossed(60, 10, chance, spread_items=1.5), chance)


def differences() -> Iterator[Setting]:
    """Two conditions that do not differ, by what the condition varies over; then two that do."""
    for name, chance in CHANCES.items():
        for varies, people, items, slope in (
            ("participants", (30, 30), 20, 0.6),
            ("participants", (100, 100), 60, 0.0),
            ("participants", (30, 10), 20, 0.0),
            ("both", 30, 20, 0.6),
            ("items", 60, 8, 0.6),
            ("items", 60, 40, 0.6),
            ("networks", 40, 60, 0.6),
        ):
            size = f"{people[0]} + {people[1]}" if isinstance(people, tuple) else str(people)
            draw = _compared(varies, people, items, chance, slope=slope)
            label = f"{size} x {items}, by {'participants and items' if varies == 'both' else varies}, chance {name}"
            yield Setting(label, draw)
            if slope and varies != "networks":
                yield Setting(f"{label}, unbalanced", _unbalanced(draw))
    for varies, people, items in (("participants", (30, 30), 20), ("both", 30, 20), ("items", 60, 40)):
        spread = made.total_spread(varies, 0.8, 0.6)
        truth = made.mean_probability(made.intercept(1 / 4, spread) + EFFECT, spread) - 1 / 4
        draw = _compared(varies, people, items, 1 / 4, slope=0.6, effect=EFFECT)
        over = "participants and items" if varies == "both" else varies
        yield Setting(
            f"{people} x {items}, by {over}, chance 1/4, a difference of {100 * truth:.1f} points", draw, None, truth
        )


def _crossed(people: int, items: int, chance: float, *, spread_items: float = 0.8) -> Draw:
    return lambda rng: made.crossed(rng, people, items, chance, spread_items=spread_items)


def _compared(varies: str, people: int | tuple[int, int], items: int, chance: float, **more: float) -> Draw:
    return lambda rng: made.compared(rng, varies, people, items, chance, **more)


def _unbalanced(draw: Draw) -> Draw:
    return lambda rng: made.unbalanced(rng, draw(rng))
