"""A participant's session as trials: screening, quiz, practice, blocks (each after its training), questionnaire."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from attribution import plugins

from .document import localised
from .models import Arm, Participant, Stimulus, Trial

Task = Mapping[str, Any]
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Presentation:
    """A stimulus (or none) in a phase; ``again`` marks the second showing of an earlier presentation."""

    phase: Trial.Phase
    stimulus: Stimulus | None
    again: bool = False


def trials_of(participant: Participant) -> list[Trial]:
    """The trials that the participant's arm, seed and language give, unsaved; the same every time."""
    study, arm = participant.study, participant.arm
    if arm is None:
        return []
    rng = random.Random(participant.seed)
    document, phases = study.document, Trial.Phase
    stimuli = {stimulus.name: stimulus for stimulus in Stimulus.objects.filter(study=study).order_by("name")}
    practice = [stimulus for stimulus in stimuli.values() if stimulus.is_practice]
    catch = [stimulus for stimulus in stimuli.values() if stimulus.is_catch]
    rng.shuffle(practice)
    plan: list[tuple[Presentation, Sequence[Task]]] = []

    def ask(presentations: Iterable[Presentation], tasks: Sequence[Task]) -> None:
        plan.extend((presentation, tasks) for presentation in presentations)

    ask([Presentation(phases.SCREENING, None)], document.get("screening", []))
    ask([Presentation(phases.QUIZ, None)], document.get("quiz", {}).get("questions", []))
    ask([Presentation(phases.PRACTICE, stimulus) for stimulus in practice], document["tasks"])
    training = document.get("training", {})
    sessions = training.get("sessions", 1)
    blocks = [part for names in _blocks(arm, rng) for part in sessions_of(names, sessions)]
    repeats = _shares(document.get("repeats", {}).get("count", 0), blocks, rng)
    shown = [_with_repeats([stimuli[name] for name in names], repeats[n], rng) for n, names in enumerate(blocks)]
    main = _with_catch([(n, one) for n, block in enumerate(shown) for one in block], catch, rng)
    examples = _examples(stimuli.values(), rng)
    begun = -1
    for block, presentation in main:
        session = block % sessions
        if block != begun:
            begun = block
            conditions = {stimuli[name].condition_id for name in blocks[block]}
            photos = sessions_of(examples, sessions)[session]
            seen = [one for photo in photos for one in photo if one.condition_id in conditions]
            rng.shuffle(seen)
            ask([Presentation(phases.TRAINING, one) for one in seen], training.get("tasks", []))
        ask([presentation], _after(document["tasks"], (session + 1) * training.get("count", 0)))
    ask([Presentation(phases.QUESTIONNAIRE, None)], document.get("questionnaire", []))
    return _made(participant, plan, rng)


def _made(
    participant: Participant, plan: Sequence[tuple[Presentation, Sequence[Task]]], rng: random.Random
) -> list[Trial]:
    trials: list[Trial] = []
    first: dict[tuple[Any, str], Trial] = {}
    for presentation, tasks in plan:
        for task in tasks:
            trial = Trial(
                participant=participant,
                stimulus=presentation.stimulus,
                task=task["name"],
                trial_type=task["trial_type"],
                phase=presentation.phase,
                position=len(trials),
                options=_options(task, participant.language),
                seed=rng.getrandbits(62),
            )
            shown = (presentation.stimulus, trial.task)
            if presentation.again:
                trial.repeat_of = first[shown]
            first.setdefault(shown, trial)
            trials.append(trial)
    return trials


def save(trials: Sequence[Trial]) -> None:
    """Store the trials, those first that others repeat."""
    Trial.objects.bulk_create([trial for trial in trials if trial.repeat_of is None])
    Trial.objects.bulk_create([trial for trial in trials if trial.repeat_of is not None])


def next_attempt(trials: Sequence[Trial], rng: random.Random) -> list[Trial]:
    """The same trials once more, unsaved: the next attempt, their answers' order drawn anew."""
    kept = ("participant_id", "stimulus_id", "task", "trial_type", "phase", "position", "options")
    return [
        Trial(**{name: getattr(trial, name) for name in kept}, attempt=trial.attempt + 1, seed=rng.getrandbits(62))
        for trial in trials
    ]


def most_repeats(blocks: Iterable[int]) -> int:
    """How many of the presentations in blocks of these lengths can be repeated: the first half of each block."""
    return sum((length + 1) // 2 for length in blocks if length > 1)


def _options(task: Task, language: str) -> dict[str, Any]:
    return plugins.complete("study.trials", task["trial_type"], localised(task.get("options", {}), language))


def _blocks(arm: Arm, rng: random.Random) -> list[list[str]]:
    """The stimuli's names: blocks in their order, shuffled within each."""
    blocks: dict[int, list[str]] = {}
    for presentation in arm.presentations:
        blocks.setdefault(presentation["block"], []).append(presentation["stimulus"])
    for _, names in sorted(blocks.items()):
        rng.shuffle(names)
    return [names for _, names in sorted(blocks.items())]


def _shares(count: int, blocks: Sequence[Sequence[str]], rng: random.Random) -> list[list[int]]:
    """Which presentations of each block are repeated: drawn from its first half, so that others come between."""
    pool = [(n, place) for n, names in enumerate(blocks) for place in range((len(names) + 1) // 2) if len(names) > 1]
    drawn = sorted(rng.sample(pool, min(count, len(pool))))
    return [[place for block, place in drawn if block == n] for n in range(len(blocks))]


def _with_repeats(stimuli: Sequence[Stimulus], repeated: Sequence[int], rng: random.Random) -> list[Presentation]:
    """A block's presentations, those at ``repeated`` again at least half the block after their first time."""
    order = [Presentation(Trial.Phase.MAIN, stimulus) for stimulus in stimuli]
    # From the back, so that the earlier places still mean what they meant.
    for place in sorted(repeated, reverse=True):
        later = rng.randint(place + (len(stimuli) + 1) // 2, len(stimuli))
        order.insert(later, Presentation(Trial.Phase.REPEAT, stimuli[place], again=True))
    return order


def sessions_of(things: Sequence[Thing], count: int) -> list[Sequence[Thing]]:
    """The things in their order, in ``count`` parts as equal as can be."""
    edges = [len(things) * n // count for n in range(count + 1)]
    return [things[start:end] for start, end in pairwise(edges)]


def _examples(stimuli: Iterable[Stimulus], rng: random.Random) -> list[list[Stimulus]]:
    """Each photo to learn from with its pictures under all conditions, the photos shuffled."""
    found: dict[int | None, list[Stimulus]] = {}
    for one in stimuli:
        if one.is_training:
            found.setdefault(one.item_id, []).append(one)
    photos = list(found.values())
    rng.shuffle(photos)
    return photos


def _after(tasks: Sequence[Task], examples: int) -> Sequence[Task]:
    """The tasks, those that count the examples before them (``k``) told how many these were."""
    if not examples:
        return tasks
    counting = {t["name"] for t in tasks if "k" in plugins.describe("study.trials", t["trial_type"]).parameters}
    return [{**t, "options": {**t["options"], "k": examples}} if t["name"] in counting else t for t in tasks]


def _with_catch(
    main: list[tuple[int, Presentation]], catch: list[Stimulus], rng: random.Random
) -> list[tuple[int, Presentation]]:
    """Catch stimuli before main ones drawn at random, never first, and no two in a row where there is room."""
    gaps = range(1, len(main) + 1)
    places = rng.sample(gaps, len(catch)) if len(catch) <= len(gaps) else rng.choices(gaps, k=len(catch))
    order = list(main)
    # From the back, so that the earlier places still mean what was drawn.
    for place, stimulus in zip(sorted(places, reverse=True), rng.sample(catch, len(catch)), strict=True):
        block = main[place - 1][0]
        order.insert(place, (block, Presentation(Trial.Phase.CATCH, stimulus)))
    return order
