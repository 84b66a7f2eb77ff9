"""A trial type as it is asked: the plug-in's own part, and what every type takes besides (``trials.SHARED``).

How sure one is, what the network says, for how long pictures are seen and answers taken, and two pictures in one place
belong to no type of their own: they are added here to whatever a plug-in presents, so that it knows nothing of them.
"""

import functools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase
from types import ModuleType
from typing import Any

from attribution import plugins

from .trials import (
    DISPLAYS,
    SHARED,
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
    check_scale,
    named,
    scale_control,
)

FOLDER = "study.trials"
CONFIDENCE = "confidence"
COLUMNS: dict[str, Column] = {
    CONFIDENCE: ("integer", "points", "how sure, from 1 (least) upwards, where it was asked"),
}
ANY_CLASS = "any class"
LONGEST_MS = 600_000
TOGETHER = ("blink", "slider")  # the displays that show two pictures in one place


@functools.cache
def load(name: str) -> "TrialType":
    """The trial type of this name; raises PluginError in words."""
    return TrialType(plugins.load(FOLDER, name))


@dataclass(frozen=True)
class TrialType:
    """A plug-in of ``study.trials`` with the shared options: the same verbs, see there."""

    own: ModuleType

    @property
    def name(self) -> str:
        return self.own.__name__.rpartition(".")[2]

    @property
    def compared(self) -> tuple[int, int]:
        """The fewest and most conditions whose pictures it shows beside each other; none where it shows one's."""
        found: tuple[int, int] = getattr(self.own, "COMPARED", (0, 0))
        return found

    @property
    def columns(self) -> dict[str, Column]:
        return {**self.own.COLUMNS, **COLUMNS}

    def present(self, stimulus: Stimulus, **options: Any) -> Screen:
        own = {name: value for name, value in options.items() if name not in SHARED}
        shared = {**SHARED, **options}
        screen: Screen = self.own.present(stimulus, **own)
        told = _told(stimulus, shared)
        return replace(
            screen,
            panels=screen.panels + told,
            controls=screen.controls + _confidence(shared),
            layout=screen.layout if shared["display"] == "side_by_side" else shared["display"],
            minimum_ms=shared["minimum_ms"],
            picture_ms=shared["picture_ms"],
            deadline_ms=shared["deadline_ms"],
        )

    def check_options(self, options: Options) -> None:
        self.own.check_options(options)
        if options["confidence_prompt"]:
            check_scale(options["confidence_points"], options["confidence_low"], options["confidence_high"])
        _check_times(options)
        if options["told"] and not any(part in options["told"] for part in ("{label}", "{percent}")):
            raise OptionError("told should hold {label} or {percent}: what the network says of the photo, how surely.")
        if options["display"] not in DISPLAYS:
            raise OptionError(f"display = “{options['display']}” should be one of: {', '.join(DISPLAYS)}.")
        if options["feedback"] and not self.has_truth(options):
            raise OptionError("feedback = true has nothing to tell: these answers are neither right nor wrong.")
        if "{label}" in options["told"] and ANY_CLASS in str(self._key_of_any(options)):
            raise OptionError("told may not hold {label}, which would give the answer away; {percent} may stay.")
        self._check_pictures(options)

    def _check_pictures(self, options: Options) -> None:
        """Whether the pictures of a screen can be shown in one place, or be taken away."""
        is_together, roles = options["display"] in TOGETHER, options.get("panels", ())
        if is_together and (len(roles) != 2 or self.compared[1]):
            raise OptionError(
                f"display = “{options['display']}” shows two pictures in one place; this type should then have "
                'panels = ["photo", "explanation"], and nothing to compare.'
            )
        if self.compared[1] or not (is_together or options["picture_ms"]):
            return
        screen = self.present(Stimulus(tuple(Slot(role, f"/{role}.png") for role in roles)), **options)
        is_marked = any(control.kind == "region" for control in screen.controls)
        if is_together and (is_marked or sum(panel.kind == "picture" for panel in screen.panels) != 2):
            raise OptionError(f"display = “{options['display']}” hides the picture to mark on; choose another.")
        if options["picture_ms"] and is_marked:
            raise OptionError("picture_ms would take away the picture to mark on; it should be 0.")

    def check(self, screen: Screen, answer: Answer) -> None:
        self.own.check(screen, answer)

    def score(self, answer: Answer, key: Mapping[str, Any], options: Options) -> dict[str, Any]:
        given = answer.get(CONFIDENCE)
        scored: dict[str, Any] = self.own.score(answer, key, options)
        return scored | {CONFIDENCE: None if given in (None, "") else int(given)}

    def chance(self, options: Options) -> float | None:
        found: float | None = self.own.chance(options)
        return found

    def has_truth(self, options: Options) -> bool:
        """Whether an answer about a photo of a known class can be right or wrong."""
        return self.chance(options) is not None or ("correct" in self.own.COLUMNS and bool(self._key_of_any(options)))

    def _key_of_any(self, options: Options) -> Mapping[str, Any]:
        """What an answer would be scored by of a photo that shows ``ANY_CLASS``, as the network says too."""
        others = [Item(letter, {"class": letter}) for letter in ascii_lowercase]
        item = Item("any", {"class": ANY_CLASS, "predicted": ANY_CLASS}, {"network_is_right": True})
        try:
            key: Mapping[str, Any] = self.own.compose(item, others, options, random.Random(0)).key
        except OptionError:  # it compares conditions, or names the items that it is about
            return {}
        return key

    def compose(self, item: Item | None, items: Sequence[Item], options: Options, rng: random.Random) -> Composition:
        made: Composition = self.own.compose(item, items, options, rng)
        if not options.get("told") or item is None or "probability" not in item.truth:
            return made
        percent = f"{100 * float(item.truth['probability']):.0f}"
        told = (Slot("told_label", text=str(item.truth["predicted"])), Slot("told_percent", text=percent))
        return replace(made, texts=(*made.texts, *told))

    def bot(self, screen: Screen, key: Mapping[str, Any] | None, skill: float, rng: random.Random) -> dict[str, Any]:
        """The plug-in's own bot; surer where its answer stands in the key."""
        asked = screen.control(CONFIDENCE)
        if asked is None:
            answer: dict[str, Any] = self.own.bot(screen, key, skill, rng)
            return answer
        own = replace(screen, controls=tuple(control for control in screen.controls if control is not asked))
        answer = self.own.bot(own, key, skill, rng)
        known = [value for value in (key or {}).values() if isinstance(value, str)]
        points, half = [value for value, _ in asked.values], len(asked.values) // 2
        is_sure = any(value in known for value in answer.values())
        return {**answer, CONFIDENCE: rng.choice(points[half:] if is_sure else points[: half + 1])}


def _confidence(options: Options) -> tuple[Control, ...]:
    prompt, points = options["confidence_prompt"], options["confidence_points"]
    if not prompt:
        return ()
    return (scale_control(CONFIDENCE, prompt, points, options["confidence_low"], options["confidence_high"]),)


def _told(stimulus: Stimulus, options: Options) -> tuple[Panel, ...]:
    """What the network says, where the question tells it and the network was asked."""
    labels, percents = stimulus.having("told_label"), stimulus.having("told_percent")
    if not options["told"] or not labels or not percents:
        return ()
    label = named(labels[0].text, options.get("names"))
    return (Panel("text", options["told"].replace("{percent}", percents[0].text).replace("{label}", label)),)


def _check_times(options: Options) -> None:
    for name in ("minimum_ms", "picture_ms", "deadline_ms"):
        if not 0 <= options[name] <= LONGEST_MS:
            raise OptionError(f"{name} = {options[name]} should be from 0 (none) to {LONGEST_MS} milliseconds.")
    if 0 < options["deadline_ms"] <= options["minimum_ms"]:
        raise OptionError(
            f"deadline_ms = {options['deadline_ms']} should be more than minimum_ms = {options['minimum_ms']}: nobody "
            "could answer."
        )
