"""Rows become tidy frames here and nowhere else: whose answers count, who is excluded, and by which rule.

Simulated participants and persons are never pooled: with any person present the simulated are left out; previews
always.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from attribution import plugins
from attribution.models import SaliencyMap, State
from study import blinding, participant_flow, tables, trial_types
from study.analysis import Answers
from study.map_files import Map, saliency

from .models import Item, Participant, RecruiterIdentity, StimulusSlot, Study, Trial

BATCH = 250  # participants read at a time
ORIGINS = (Participant.Origin.PERSON, Participant.Origin.IMPORTED, Participant.Origin.SIMULATED)
TRIAL_COLUMNS = ("task", "arm", "chance", "scale_low", "scale_high")


@dataclass(frozen=True)
class Batch:
    """Some participants, as ``tables.PARTICIPANTS`` has them, and their answered trials, as ``columns`` names them."""

    participants: pd.DataFrame
    rows: list[tuple[Any, ...]]


def answers(study: Study) -> tuple[Answers, pd.DataFrame, dict[str, Any]]:
    """The answers to analyse, the exclusions (participant, rule, reason) and the flow of numbers."""
    people, rows = [], []
    for batch in batches(study):
        people.append(batch.participants)
        rows += batch.rows
    everything = Answers(
        responses=_frame(rows, columns(study)),
        participants=pd.concat(people, ignore_index=True) if people else _frame([], tables.PARTICIPANTS),
        items=items(study),
        document=blinding.document(study),
        maps=StoredMaps(study),
    )
    return tables.analysed(everything), participant_flow.exclusions(everything), participant_flow.counts(everything)


class StoredMaps(Mapping[tuple[str, str], Map]):
    """(item, condition) -> the saliency map (H, W) that the condition shows of the item, read when it is asked for."""

    def __init__(self, study: Study) -> None:
        slots = StimulusSlot.objects.filter(
            stimulus__study=study,
            stimulus__item__is_training=False,
            stimulus__condition__isnull=False,
            role="explanation",
            picture__saliency_map__state=State.DONE,
        ).exclude(picture__saliency_map__array="")
        slots = slots.order_by("stimulus__item__name", "stimulus__condition__position")
        fields = ("stimulus__item__name", "stimulus__condition__name", "picture__saliency_map")
        known = blinding.codes(study)
        self.rows = {(item, known.get(name, name)): pk for item, name, pk in slots.values_list(*fields)}

    def row(self, item: str, condition: str) -> SaliencyMap:
        found: SaliencyMap = SaliencyMap.objects.select_related("network").get(pk=self.rows[item, condition])
        return found

    def __getitem__(self, key: tuple[str, str]) -> Map:
        return saliency(self.row(*key).arrays()["map"])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def origin(study: Study) -> str:
    """Whose answers count: persons’ if there is one, otherwise imported, otherwise simulated ones’; "" if none."""
    present = set(study.participant_set.values_list("origin", flat=True).distinct())
    return next((str(one) for one in ORIGINS if one in present), "")


def columns(study: Study) -> dict[str, tables.Column]:
    """The columns of a study’s rows: those of every export, then those that its trial types or its import add."""
    named = {**tables.RESPONSES, **{name: tables.TRIALS[name] for name in TRIAL_COLUMNS}}
    types = Trial.objects.filter(participant__study=study).order_by().values_list("trial_type", flat=True).distinct()
    known = plugins.names("study.trials")
    for trial_type in sorted(set(types)):
        if trial_type in known:
            added = trial_types.load(trial_type).columns
            named |= {name: column for name, column in added.items() if name not in named}
    for name, column in study.document.get("import", {}).get("columns", {}).items():
        named.setdefault(name, tuple(column))
    return named


def batches(study: Study, extra: Sequence[str] = ()) -> Iterator[Batch]:
    """All participants whose origin counts, some at a time, with their answered trials in the order of presentation.

    ``extra`` names further columns at the end of each row: those of ``tables.QUALITY``.
    """
    people = study.participant_set.filter(origin=origin(study)).select_related("arm").order_by("pk")
    known = blinding.codes(study)
    places = [place for place, name in enumerate((*columns(study), *extra)) if name in blinding.COLUMNS]
    names = [name for name in columns(study) if name not in ("excluded_by", *TRIAL_COLUMNS, *tables.RESPONSES)]
    duplicates = _duplicates(study)
    last = 0
    while page := list(people.filter(pk__gt=last)[:BATCH]):
        last = page[-1].pk
        frame = _frame([_participant(one, duplicates) for one in page], tables.PARTICIPANTS)
        rows = list(_rows(page, names, extra))
        _apply(study, frame, rows)
        rule = dict(zip(frame["participant"], frame["excluded_by"], strict=True))
        place = list(tables.RESPONSES).index("excluded_by")
        rows = [(*row[:place], rule[row[0]], *row[place + 1 :]) for row in rows]
        if known:
            frame["arm"] = frame["arm"].map(lambda arm: known.get(arm, arm))
            rows = [_coded(row, places, known) for row in rows]
        yield Batch(frame, rows)


def _coded(row: tuple[Any, ...], places: Sequence[int], known: Mapping[str, str]) -> tuple[Any, ...]:
    """A row in which conditions go by their codes; a preferred condition is a response too."""
    names = list(tables.RESPONSES)
    cells = list(row)
    if row[names.index("winner")] is not None:
        places = [*places, names.index("response")]
    for place in places:
        cells[place] = known.get(cells[place], cells[place]) if isinstance(cells[place], str) else cells[place]
    return tuple(cells)


def items(study: Study) -> pd.DataFrame:
    """Item, what is true of it, its strata and its measurements, one column each."""
    records = []
    for item in Item.objects.filter(study=study, is_training=False).order_by("name"):
        flat = {**_plain(item.truth, "truth_"), **_plain(item.strata), **_plain(item.measurements)}
        records.append({"item": item.name, **flat})
    return pd.DataFrame.from_records(records) if records else pd.DataFrame({"item": []}, dtype=object)


def _plain(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    return {f"{prefix}{key}": value for key, value in values.items() if f"{prefix}{key}" not in ("item", "origin")}


def _frame(
    rows: Sequence[Sequence[Any]], kinds: Mapping[str, tables.Column], names: Sequence[str] = ()
) -> pd.DataFrame:
    names = list(names or kinds)
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pd.DataFrame({name: _typed(values, kinds[name][0]) for name, values in zip(names, cells, strict=True)})


def _typed(values: Sequence[Any], kind: str) -> "pd.Series[Any]":
    if kind in ("number", "integer"):
        return pd.Series([None if value is None else float(value) for value in values], dtype="float64")
    return pd.Series(list(values), dtype=object)


def _participant(one: Participant, duplicates: Mapping[int, str]) -> tuple[Any, ...]:
    rule, reason = participant_flow.UNFINISHED.get(one.state, (None, None))
    return (
        one.code,
        one.arm.name if one.arm else None,
        one.origin,
        one.state,
        rule,
        reason,
        duplicates.get(one.pk),
        one.language,
        None if one.origin == Participant.Origin.IMPORTED else one.started_at.isoformat(timespec="seconds"),
        one.completed_at.isoformat(timespec="seconds") if one.completed_at else None,
    )


def _duplicates(study: Study) -> dict[int, str]:
    """Later participations of a person whom a recruiter names twice: their id and the first one’s code."""
    first: dict[str, str] = {}
    again = {}
    identities = RecruiterIdentity.objects.filter(
        participant__study=study, participant__origin=Participant.Origin.PERSON
    )
    identities = identities.order_by("participant_id")
    for pk, code, external in identities.values_list("participant_id", "participant__code", "external_id").iterator():
        if external in first:
            again[pk] = first[external]
        first.setdefault(external, code)
    return again


def _rows(page: Sequence[Participant], names: Sequence[str], extra: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    people = {one.pk: one for one in page}
    trials = (
        Trial.objects.filter(participant__in=people, response__isnull=False)
        .order_by("participant_id", "position", "attempt")
        .values_list(
            "participant_id",
            "stimulus__item__name",
            "stimulus__condition__name",
            "trial_type",
            "phase",
            "position",
            "attempt",
            "task",
            "options",
            "response__columns",
            "response__response_ms",
            "response__is_timed_out",
            "response__quality",
        )
    )
    chances = {name: trial_types.load(name).chance for name in plugins.names("study.trials")}
    # ``shown`` is item, condition, trial type, phase, position, attempt.
    for who, *shown, task, options, scored, ms, late, quality in trials.iterator():
        person, trial_type = people[who], shown[2]
        is_foreign = person.origin == Participant.Origin.IMPORTED
        yield (
            person.code,
            *shown,
            *(scored.get(name) for name in ("response", "answer_key", "correct", "rating", "winner", "loser", "tie")),
            ms,
            late,
            None,
            person.origin,
            task,
            person.arm.name if person.arm else None,
            options.get("chance") if is_foreign or trial_type not in chances else chances[trial_type](options),
            scored.get("scale_low"),
            scored.get("scale_high"),
            *(scored.get(name) for name in names),
            *(quality.get(name) for name in extra),
        )


def _apply(study: Study, participants: pd.DataFrame, rows: Sequence[tuple[Any, ...]]) -> None:
    """Ask the declared rules in their order; the first that fires is noted."""
    rules = study.document.get("exclusions", [])
    if not rules:
        return
    kinds = columns(study)
    responses = _frame([row[: len(kinds)] for row in rows], kinds)
    participant_flow.apply(rules, participants, responses)
