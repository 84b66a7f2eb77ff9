"""Finding computed pictures: filters from an address, the rows they leave, and the rendering that stands for a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from attribution import costs
from attribution.models import Network, OfNetwork, Picture, SaliencyMap, State, Visualization

LINK = {"methods": "saliency_map", "visualizations": "visualization"}


@dataclass(frozen=True)
class Filters:
    """What of the computed pictures is looked for; an empty text leaves everything."""

    kind: str
    network: str
    plugin: str
    words: str
    state: str

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        kind = query.get("kind", "methods")
        state = query.get("state", "")
        return cls(
            kind=kind if kind in LINK else "methods",
            network=query.get("network", ""),
            plugin=query.get("plugin", ""),
            words=query.get("words", "").strip(),
            state=state if state in State.values else "",
        )


def found(chosen: Filters) -> Any:
    """The rows that the filters leave, the newest first."""
    model = SaliencyMap if chosen.kind == "methods" else Visualization
    rows = model._default_manager.select_related("network", "image").order_by("-pk")
    if chosen.network:
        rows = rows.filter(network__name=chosen.network)
    if chosen.plugin:
        rows = rows.filter(plugin=chosen.plugin)
    if chosen.state:
        rows = rows.filter(state=chosen.state)
    if chosen.words:
        rows = rows.filter(Q(image__name__icontains=chosen.words) | Q(image__label__icontains=chosen.words))
    return rows


@dataclass(frozen=True)
class Card:
    """A computed row and the finished rendering that stands for it; None where there is none yet."""

    row: OfNetwork
    picture: Picture | None

    @property
    def is_undrawn(self) -> bool:
        """Whether it is computed but its rendering is still to come."""
        return self.row.state == State.DONE and self.picture is None

    @property
    def address(self) -> str:
        kind = "methods" if isinstance(self.row, SaliencyMap) else "visualizations"
        return reverse("dashboard:picture", args=[kind, self.row.pk])


def cards(rows: Sequence[OfNetwork]) -> list[Card]:
    """Each row with its first finished rendering; one query a kind."""
    first: dict[tuple[type[OfNetwork], int], Picture] = {}
    for model, link in ((SaliencyMap, "saliency_map"), (Visualization, "visualization")):
        ids = [row.pk for row in rows if isinstance(row, model)]
        done = Picture.objects.filter(**{f"{link}__in": ids, "state": State.DONE}).order_by("-index", "-pk")
        first |= {(model, getattr(picture, f"{link}_id")): picture for picture in done}
    return [Card(row, first.get((type(row), row.pk))) for row in rows]


def facts(row: OfNetwork) -> dict[str, list[tuple[str, str]]]:
    """How a row was computed, as (name, words): its parameters, what was noted on the way, its provenance."""
    return {
        name: [(key.replace("_", " "), _words(value)) for key, value in getattr(row, name, {}).items()]
        for name in ("parameters", "notes", "provenance")
    }


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list | tuple):
        return ", ".join(_words(each) for each in value)
    return str(value)


def progress(rows: Any) -> dict[str, int]:
    """How many of the rows are done, failed and still to come."""
    failed = rows.filter(state=State.FAILED).count()
    left = rows.unfinished().count()
    total = rows.count()
    return {"total": total, "left": left, "failed": failed, "finished": total - left}


def address(kind: str, plugin: str, network: str) -> str:
    """The page of what was just ordered."""
    return f"{reverse('dashboard:pictures')}?{urlencode({'kind': kind, 'plugin': plugin, 'network': network})}"


def ordered_words(rows: Sequence[OfNetwork]) -> str:
    """What became of an order, in words."""
    waiting = sum(row.state in (State.PENDING, State.RUNNING) for row in rows)
    there = len(rows) - waiting
    words = f"{waiting} picture{'s' * (waiting != 1)} ordered from the workers." if waiting else ""
    if there:
        words += f" {there} {'were' if there != 1 else 'was'} computed before and {'are' if there != 1 else 'is'} kept."
    waited = [row for row in rows if row.state in (State.PENDING, State.RUNNING)]
    if waited:
        forwards = sum(row.forward_passes for row in waited)
        words += f" {costs.in_words(forwards, waited[0].network.seconds_a_pass)}"
    return words.strip()


def cost_words(kind: str, plugin: str, parameters: dict[str, Any], network: Network) -> str:
    """What one picture costs, or why these parameters can have none."""
    try:
        forwards = costs.passes(kind, plugin, parameters, size=network.view_size)
    except (ValueError, ArithmeticError) as error:
        return str(error)
    each = "A map" if kind == "methods" else "A visualization"
    words = costs.in_words(forwards, network.seconds_a_pass)
    return f"{each} each: {words[0].lower()}{words[1:]}"
