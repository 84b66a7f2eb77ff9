"""What a power analysis assumes: a study's own design, and what people are supposed to answer. Plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from study import document as documents
from study import trial_types
from study.analysis import Condition
from study.analysis._by_condition import pairs_to_compare
from study.document_conditions import presented
from study.statistics.crossed_power import Arm, Layout, Population
from study.supplements.primary import VALUES

# Log-odds: of recognising classes, participants and items differ about so; slopes half of that (Barr et al. 2013 on
# why they must be there). Of ratings: shares of the scale's length.
SPREAD = {"participant_sd": 0.8, "item_sd": 0.8, "participant_slope_sd": 0.4, "item_slope_sd": 0.4}
SHARES = {**{name: sd / 6 for name, sd in SPREAD.items()}, "residual_sd": 0.2}
EFFECT = {"correct": 0.10, "rating": 0.5}
POSITIVE = 0.9  # right answers of 1, or share of the scale
PEOPLE = (20, 40, 80, 160, 320)


class PowerError(ValueError):
    """There is no power analysis of this study; the message says why and what would help."""


@dataclass(frozen=True)
class Plan:
    """All that a power analysis depends on, as JSON holds it. Means of right answers are fractions, of ratings points.

    task: the one that is asked; bounds: the least and greatest answer.
    pairs: the comparisons of the headline analysis, one family; gates: positive against blind control; equivalence:
    the two that are taken for equal, {} where none is asked. own: the study's participants (0 if not planned), items.
    """

    value: str
    task: str
    bounds: list[float]
    conditions: list[str]
    means: list[float]
    spread: dict[str, float]
    pairs: list[list[str]]
    gates: list[list[str]]
    equivalence: dict[str, Any]
    participants: list[int]
    items: list[int]
    own: list[int]
    guess: float
    alpha: float
    simulations: int
    target: float
    stops_early: bool
    dropout: float
    careless: float
    catch: int
    cost: float
    rules: list[dict[str, Any]]
    design: dict[str, Any]
    source: str
    seed: int
    family: list[str] = field(default_factory=list)  # analyses whose comparisons are corrected together

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def place(self, condition: str) -> int:
        return self.conditions.index(condition)

    def codes(self, pairs: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
        return [(self.place(first), self.place(second)) for first, second in pairs]

    def population(self, *, equal: Sequence[str] = ()) -> Population:
        """Of the assumed answers; with ``equal``, the first of these two does as the second."""
        means = np.array(self.means)
        if equal:
            means[self.place(equal[0])] = means[self.place(equal[1])]
        spread = {"residual_sd": 0.0, **self.spread}
        return Population(
            means, **spread, is_binary=self.value == "correct", careless=self.careless, guess=self.guess
        )  # fmt: skip

    def layout(self, participants: int, items: int) -> Layout:
        """The presentations that the study's design makes for so many; participants come to the arms in turn."""
        names = [f"item {number}" for number in range(items)]
        arms = documents.schedule(self.design, names)
        place = {name: number for number, name in enumerate(names)}
        return Layout(
            tuple(
                Arm(
                    np.arange(number, participants, len(arms)),
                    np.array([place[one.item] for one in arm.presentations]),
                    np.array([self.place(one.condition) for one in arm.presentations]),
                )
                for number, arm in enumerate(arms)
            ),
            participants,
            items,
            len(self.conditions),
        )


def plan(document: Mapping[str, Any], items: int, /, **given: Any) -> Plan:
    """The plan of a study's document and its number of items; ``given`` takes the place of what is assumed.

    effect (fraction of right answers, or points), means, spread, participants, items, simulations, target, dropout,
    careless, cost, margin, early, source, seed. Raises PowerError in words.
    """
    _check(given)
    value = VALUES.get(document["analysis"]["primary"])
    if value is None:
        raise PowerError(
            f"There is no power simulation for “{document['analysis']['primary']}”; it is for an analysis of right "
            f"answers or ratings by condition: {', '.join(VALUES)}."
        )
    if "design" not in document:
        raise PowerError("The study was answered elsewhere and has no design here; give another study its numbers.")
    conditions = [
        Condition(one["name"], one["name"], one.get("role", "treatment")) for one in presented(_whole(document))
    ]
    if len(conditions) < 2:
        raise PowerError("Power is that of a comparison, and this study has one condition.")
    known = [one.name for one in conditions]
    if unknown := [name for name in given.get("means") or {} if name not in known]:
        raise PowerError(f"There is no condition “{unknown[0]}” to have a mean; there are: {', '.join(known)}.")
    task, plugin, options = _task(document, value)
    low, high, guess = _range(plugin, options, value)
    declared = document.get("preregistration") or {}
    effect = given.get("effect")
    if effect is None:
        points = float(declared.get("smallest_effect") or 0)
        effect = (points / 100 if value == "correct" else points) or EFFECT[value]
    means = [_mean(one, given.get("means") or {}, guess, effect, low, high) for one in conditions]
    if all(one.role == "treatment" for one in conditions) and not given.get("means"):
        means[0] = min(guess + effect, high)
        means[1:] = [guess] * (len(means) - 1)
    for one, mean in zip(conditions, means, strict=True):
        if value == "correct" and not 0 < mean < 1:
            raise PowerError(f"“{one.name}” is to be right in {mean:.0%} of answers; it should be between 0 and 100 %.")
    primary = _primary(document)
    pairs, blind = pairs_to_compare(conditions, primary.get("control", ""))
    gates = [(one.name, blind) for one in conditions if blind and one.role == "positive_control" and one.name != blind]
    if not pairs:
        raise PowerError("The study compares no treatment with its control.")
    named = [one.name for one in conditions]
    quota = document["design"].get("quota", 0)
    own = int(declared.get("participants") or quota * len(documents.schedule(_whole(document), _names(items))))
    people = sorted({*(given.get("participants") or PEOPLE), *([own] if own else [])})
    usual = (max(items // 2, len(conditions), 2), 2 * items, 4 * items)
    sizes = sorted({*(given.get("items") or usual), items})
    if min(sizes) < len(conditions):
        raise PowerError(f"{min(sizes)} items are fewer than the {len(conditions)} conditions; take more.")
    if min(people) < 2:
        raise PowerError("A study has at least two participants.")
    made = Plan(
        value=value,
        task=task,
        bounds=[low, high],
        conditions=named,
        means=means,
        spread={**usual_spread(value, high - low), **(given.get("spread") or {})},
        pairs=[list(pair) for pair in pairs],
        gates=[list(pair) for pair in gates],
        equivalence=_equivalence(document, conditions, pairs, gates, dict(zip(named, means, strict=True)), given),
        participants=people,
        items=sizes,
        own=[own, items],
        guess=guess,
        alpha=float(primary.get("alpha", document["analysis"].get("alpha", 0.05))),
        simulations=given.get("simulations", 1000),
        target=given.get("target", 0.8),
        stops_early=given.get("early", True),
        dropout=given.get("dropout", 0.1),
        careless=given.get("careless", 0.02),
        catch=(document.get("catch") or {}).get("count", 0),
        cost=given.get("cost", 0.0),
        rules=list(document.get("exclusions", [])),
        design={
            "design": document["design"],
            "seed": document["seed"],
            "conditions": [{"name": one, "compare": []} for one in named],
        },
        source=given.get("source", "assumed"),
        seed=given.get("seed", 0),
        family=list(declared.get("family", [])),
    )
    for count in sizes:
        made.layout(2, count)  # whether the design takes so many
    return made


def _check(given: Mapping[str, Any]) -> None:
    for name in ("dropout", "careless"):
        if not 0 <= given.get(name, 0) < 1:
            raise PowerError(f"{name} = {given[name]:g} should be a share of participants from 0 to below 1.")
    if not 0 < given.get("target", 0.8) < 1:
        raise PowerError(f"target = {given['target']:g} should be a power between 0 and 1, such as 0.8.")
    if given.get("simulations", 1000) < 50:
        raise PowerError(f"simulations = {given['simulations']} are too few to say anything; take 1000.")
    if given.get("cost", 0.0) < 0:
        raise PowerError("The cost of a participant should not be negative.")
    for name, sd in (given.get("spread") or {}).items():
        if name not in SHARES or not 0 <= sd < 10:
            raise PowerError(f"“{name}” = {sd} should be one of {', '.join(SHARES)}, from 0 to below 10.")


def _names(items: int) -> list[str]:
    return [f"item {number}" for number in range(items)]


def _whole(document: Mapping[str, Any]) -> dict[str, Any]:
    return {**document, "conditions": [{"compare": [], **one} for one in document["conditions"]]}


def _primary(document: Mapping[str, Any]) -> Mapping[str, Any]:
    analysis = document["analysis"]
    named = (one.get("parameters", {}) for one in analysis.get("analyses", []) if one["name"] == analysis["primary"])
    return next(named, {})


def _task(document: Mapping[str, Any], value: str) -> tuple[str, Any, dict[str, Any]]:
    """Name, trial type and options of the task whose answers have the value: the one that the analysis names, or the
    first."""
    wanted = _primary(document).get("task", "")
    language = document["languages"][0]
    for task in document["tasks"]:
        plugin, options = trial_types.load(task["trial_type"]), documents.options_of(task, language)
        if value in plugin.columns and wanted in ("", task["name"]):
            return task["name"], plugin, options
    raise PowerError(f"No task of the study gives answers that have a {value}.")


def _range(plugin: Any, options: Mapping[str, Any], value: str) -> tuple[float, float, float]:
    """The lowest and highest mean, and that of careless answers."""
    if value == "correct":
        chance = plugin.chance(options)
        return 0.0, 1.0, 0.5 if chance is None else float(chance)
    low, high = (1.0, float(options["points"])) if options.get("points") else (0.0, 100.0)
    return low, high, (low + high) / 2


def _mean(one: Condition, means: Mapping[str, float], guess: float, effect: float, low: float, high: float) -> float:
    if one.name in means:
        return float(means[one.name])
    if one.role == "blind_control":
        return guess
    return max(low + POSITIVE * (high - low), guess + effect) if one.role == "positive_control" else guess + effect


def usual_spread(value: str, length: float) -> dict[str, float]:
    """The SDs that are assumed where nobody says otherwise; ``length`` is that of the rating's scale."""
    return dict(SPREAD) if value == "correct" else {name: share * length for name, share in SHARES.items()}


def _equivalence(
    document: Mapping[str, Any],
    conditions: Sequence[Condition],
    pairs: Sequence[tuple[str, str]],
    gates: Sequence[tuple[str, str]],
    means: Mapping[str, float],
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Which two are to be shown equal and within what: as the document's equivalence analysis says, or the first two
    treatments, or the first pair."""
    declared: Mapping[str, Any] = next(
        (one.get("parameters", {}) for one in document["analysis"].get("analyses", []) if one["name"] == "equivalence"),
        {},
    )
    treatments = [one.name for one in conditions if one.role == "treatment"]
    pair = [declared.get("first", ""), declared.get("second", "")]
    if not all(pair):
        pair = treatments[:2] if len(treatments) > 1 else list(pairs[0])
    scale = 100 if VALUES[document["analysis"]["primary"]] == "correct" else 1
    margin, reason = given.get("margin") or 0.0, "given for this power analysis"
    if not margin and declared.get("margin"):
        margin, reason = declared["margin"] / scale, declared.get("reason", "")
    if not margin and gates:
        margin, reason = (means[gates[0][0]] - means[gates[0][1]]) / 3, "a third of what the positive control gains"
    return {"pair": pair, "margin": float(margin), "reason": reason} if margin > 0 else {}
