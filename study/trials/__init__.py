"""Trial types: what is shown, what may be answered, how it is scored. A trial type is data for one page.

A plug-in here has
    present(stimulus, *, ...) -> Screen     its keyword-only arguments are the type's options
    check_options(options)                  raises OptionError in words; what the options' own kinds do not say
    check(screen, answer)                   raises AnswerError in words; ``check_controls`` does the vocabulary's part
    score(answer, key, options) -> dict     one value for each of COLUMNS
    chance(options) -> float | None         the probability of a correct answer by guessing
    compose(item, items, options, rng)      -> Composition: the text slots a stimulus needs, and its key; ``item`` is
                                            None for a trial without a stimulus
    bot(screen, key, skill, rng) -> answer  ``key`` is None for a bot that cannot see the database
    COLUMNS                                 name -> (type, unit, meaning)
    KEYBOARD                                how it is answered without a pointer, in one sentence
    COMPARED = (least, most)                only of a type that shows pictures of several conditions: how many
The page renders the vocabulary below and knows no trial type's name. The key stays on the server. What every type takes
besides its own options is in SHARED, and a plug-in knows nothing of it: see ``study.trial_types``.
Options that are texts stand in the study document as {language: text} and arrive here in the participant's language.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar

from ._regions import marked_regions as marked_regions
from ._regions import region_problem

VERB = "present"
DISPLAYS = ("side_by_side", "stacked", "blink", "slider")
# The options of every type, with their defaults.
SHARED = {
    "confidence_prompt": "",  # asks how sure one is, on a scale under the answer
    "confidence_points": 5,
    "confidence_low": "",
    "confidence_high": "",
    "told": "",  # what the network says of the photo: {label}, and how surely, {percent}
    "display": "side_by_side",  # how several pictures stand; blink and slider show two in one place
    "minimum_ms": 0,  # before this time no answer is taken
    "picture_ms": 0,  # after this time the pictures are gone; 0 is that they stay
    "deadline_ms": 0,  # after this time the trial ends without an answer; 0 is never
    "feedback": False,  # whether the answer is right is told in every phase, not only in practice and training
}

Answer = Mapping[str, Any]  # control's name -> value
Options = Mapping[str, Any]
T = TypeVar("T")


class OptionError(ValueError):
    """A trial type's options do not fit together, or not the study's items; the message says what would."""


class AnswerError(ValueError):
    """An answer does not fit its screen; the message says what would."""


@dataclass(frozen=True)
class Slot:
    """One thing a stimulus holds, in order: a stored picture (its public address) or a text."""

    role: str
    picture: str = ""
    text: str = ""


@dataclass(frozen=True)
class Stimulus:
    """What a trial type sees of a stimulus: its slots and the presentation's own seed; never the key."""

    slots: tuple[Slot, ...] = ()
    seed: int = 0

    def having(self, role: str) -> list[Slot]:
        return [slot for slot in self.slots if slot.role == role]


@dataclass(frozen=True)
class Panel:
    """A picture (with its accessible name) or a text, shown above the controls."""

    kind: Literal["picture", "text"]
    content: str  # the picture's address, or the text
    alt: str = ""
    caption: str = ""  # what stands above a picture, such as the letter that the controls call it by


@dataclass(frozen=True)
class Control:
    """One thing to answer. ``values`` are (value, label) pairs for choice, scale and order; low, high, step for slider
    and number; ``panel`` is the index of the panel that a region is marked on, by the ``tool``. A region's value is a
    list of ``low`` to ``high`` (None: any number) lists of points (x, y), fractions of the picture's width and height
    from its top left corner: one point, two opposite corners of a box, a polygon's corners, or the way of a brush's
    middle, one a stroke, ``brush`` picture widths wide; together at least ``least_area`` and at most ``most_area``
    of the picture."""

    kind: Literal["choice", "scale", "slider", "text", "order", "number", "region"]
    name: str
    label: str
    values: tuple[tuple[str, str], ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    low_label: str = ""
    high_label: str = ""
    panel: int | None = None
    tool: Literal["point", "box", "polygon", "brush"] = "point"
    brush: float | None = None
    least_area: float | None = None
    most_area: float | None = None
    several: bool = False  # a choice of any number of values
    required: bool = True
    maximum_length: int = 2000


@dataclass(frozen=True)
class Screen:
    """One page of the survey: a question, panels, controls. Sent to the browser as it is. Times are from the onset: an
    answer is taken after ``minimum_ms``, pictures are gone after ``picture_ms``, the trial ends after ``deadline_ms``;
    0 is no such time."""

    prompt: str
    panels: tuple[Panel, ...] = ()
    controls: tuple[Control, ...] = ()
    layout: Literal["side_by_side", "stacked", "blink", "slider"] = "side_by_side"
    minimum_ms: int = 0
    picture_ms: int = 0
    deadline_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        # Not dataclasses.asdict, which copies all it meets: this runs for every screen that is sent.
        panels, controls = [vars(panel) for panel in self.panels], [vars(control) for control in self.controls]
        return {**vars(self), "panels": panels, "controls": controls}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The screen that ``to_json`` wrote, as a bot receives it."""
        panels = tuple(Panel(**panel) for panel in data["panels"])
        controls = (
            {**control, "values": tuple((value, label) for value, label in control["values"])}
            for control in data["controls"]
        )
        return cls(**{**data, "panels": panels, "controls": tuple(Control(**control) for control in controls)})

    def control(self, name: str) -> Control | None:
        return next((control for control in self.controls if control.name == name), None)


@dataclass(frozen=True)
class Item:
    """The thing judged, as ``compose`` sees it: what is true of it (``class``, and ``predicted``, what the network
    says, where it was asked; of a unit ``right`` and ``other``, two photos of which the first excites it more), its
    strata, and the conditions whose pictures of it are compared."""

    name: str
    truth: Mapping[str, Any]
    strata: Mapping[str, Any] = field(default_factory=dict)
    compared: Sequence[str] = ()
    boxes: Sequence[Sequence[float]] = ()  # around its class: left, top, right, bottom, fractions of the picture


@dataclass(frozen=True)
class Wanted:
    """A picture that a stimulus shows besides its condition's own: the item's explanation under the compared
    ``condition``, or for the class ``target``; or the stored photo called ``image``. ``text`` goes with it."""

    role: str
    condition: str = ""
    target: str = ""
    image: str = ""
    text: str = ""
    copy: int = 0  # the same picture again, under an address of its own


@dataclass(frozen=True)
class Composition:
    """The texts and pictures that a stimulus shows besides its own, in an order that says nothing, and the key to score
    by."""

    texts: tuple[Slot, ...] = ()
    key: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[Wanted, ...] = ()


Column = tuple[str, str, str]  # type (number, integer, boolean, string), unit or "", meaning


def check_controls(screen: Screen, answer: Answer) -> None:
    """Hold an answer against a screen's controls: every required control answered, every value one that was offered."""
    controls = {control.name: control for control in screen.controls}
    unknown = sorted(set(answer) - set(controls))
    if unknown:
        raise AnswerError(f"There is no control named {', '.join(unknown)}; there are: {', '.join(controls)}.")
    for control in screen.controls:
        value = answer.get(control.name)
        if _is_blank(control, value):
            if control.required:
                raise AnswerError(f"“{control.label}” has no answer.")
            continue
        _check_value(control, value)


def _is_blank(control: Control, value: Any) -> bool:
    """Whether the value says nothing in the control's own way; a blank of another kind is a wrong value."""
    if control.kind == "text" and isinstance(value, str):
        return not value.strip()
    is_list = control.several or control.kind in ("order", "region")
    return value is None or (is_list and value == [])


def _check_value(control: Control, value: Any) -> None:
    offered = [name for name, _ in control.values]
    if control.kind in ("choice", "scale") and not control.several:
        if value not in offered:
            raise AnswerError(f"“{control.label}”: {value!r} was not offered; there are: {', '.join(offered)}.")
    elif control.kind == "choice":
        if not _each_once(value) or not set(value) <= set(offered):
            raise AnswerError(f"“{control.label}” takes a list of: {', '.join(offered)}.")
    elif control.kind == "order":
        if not _each_once(value) or set(value) != set(offered):
            raise AnswerError(f"“{control.label}” takes each of these once: {', '.join(offered)}.")
    elif control.kind in ("slider", "number"):
        _check_number(control, value)
    elif control.kind == "text" and (not isinstance(value, str) or len(value) > control.maximum_length):
        raise AnswerError(f"“{control.label}” takes a text of at most {control.maximum_length} characters.")
    elif control.kind == "region" and (words := region_problem(control, value)):
        raise AnswerError(f"“{control.label}” takes {words}")


def _each_once(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value) and len(set(value)) == len(value)


def _check_number(control: Control, value: Any) -> None:
    low = float("-inf") if control.low is None else control.low
    high = float("inf") if control.high is None else control.high
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= value <= high:
        raise AnswerError(f"“{control.label}” takes a number from {low:g} to {high:g}.")


def shuffled(things: Sequence[T], seed: int) -> list[T]:
    """The things in the order that ``seed`` gives, the same every time."""
    order = list(things)
    random.Random(seed).shuffle(order)
    return order


def pictures(stimulus: Stimulus, roles: Sequence[str], alt: str) -> tuple[Panel, ...]:
    """A stimulus's pictures of these roles, in their order; ``alt`` names each without saying what it shows."""
    return tuple(Panel("picture", slot.picture, alt) for role in roles for slot in stimulus.having(role))


def named(label: str, names: Mapping[str, str] | None) -> str:
    """A class's name in the participant's language, or the network's label where none is given."""
    return (names or {}).get(label, label)


def scale_control(
    name: str, prompt: str, points: int, low_label: str, high_label: str, *, required: bool = True
) -> Control:
    """A scale from "1" to ``points``, its two ends labelled."""
    values = tuple((str(n), str(n)) for n in range(1, int(points) + 1))
    return Control("scale", name, prompt, values, low_label=low_label, high_label=high_label, required=required)


def check_scale(points: int, low_label: str, high_label: str) -> None:
    """Refuse a scale that nobody could answer: 2 to 11 points, both ends labelled."""
    if not 2 <= points <= 11:
        raise OptionError(f"points = {points} should be from 2 to 11.")
    if not low_label or not high_label:
        raise OptionError("both ends of a scale need a label: low_label and high_label.")
