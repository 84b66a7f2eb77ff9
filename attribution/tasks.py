"""Celery's tasks: the broker is only a nudge, so a task takes ids, claims what of them is free, and may come twice.

What a worker can do is registered by kind of row; `nudge` queues rows, and the sweep queues again what nobody heard of.
"""

import importlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery import shared_task
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from . import computing
from .leases import Lease, LostLeaseError, StoppedError
from .models import (
    Measurement,
    NetworkUpload,
    Picture,
    SaliencyMap,
    State,
    Visualization,
    Work,
)

logger = logging.getLogger(__name__)
MESSAGES = 32  # of a kind on their way at once: the rest waits in the database, where it cannot be lost


@dataclass(frozen=True)
class Kind:
    """A kind of row: how a worker works through a lease of it, how many rows go together, which module it needs."""

    model: type[Work]
    run: Callable[[Lease], None]
    batch: int
    needs: str

    @property
    def rows(self) -> Any:
        return self.model._default_manager


KINDS: dict[str, Kind] = {}


def register(
    model: type[Work], run: Callable[[Lease], None], *, batch: int = 1, needs: str = "attribution.compute"
) -> None:
    """Let workers do a kind of row; ``run`` finishes or fails each row of its lease.

    ``needs`` is loaded before any row is claimed: the seconds that it takes are no part of a lease.
    """
    KINDS[model._meta.label_lower] = Kind(model, run, batch, needs)


register(NetworkUpload, computing.uploads)
register(Measurement, computing.measurements, batch=16)
register(SaliencyMap, computing.maps, batch=16)
register(Visualization, computing.visualizations)
register(Picture, computing.pictures, batch=32)


@shared_task(name="attribution.work", ignore_result=True)
def work(name: str, ids: list[int]) -> None:
    """Do those rows of ``ids`` that are free, and render what waits for them."""
    kind = KINDS[name]
    importlib.import_module(kind.needs)
    try:
        with Lease(kind.model, ids) as lease:
            if lease.rows:
                kind.run(lease)
    except LostLeaseError:
        logger.warning("Another worker has taken over %s %s.", name, ids)
        return
    except StoppedError:
        logger.info("Asked to stop: %s %s go back.", name, ids)
        return
    if lease.done and kind.model in (SaliencyMap, Visualization):
        show(lease.done)


def show(rows: Sequence[SaliencyMap | Visualization]) -> None:
    """Render what shows these finished rows, here and now, so that each map is seen as soon as it is there."""
    maps = [row.pk for row in rows if isinstance(row, SaliencyMap)]
    visualizations = [row.pk for row in rows if isinstance(row, Visualization)]
    shown = Q(saliency_map__in=maps) | Q(visualization__in=visualizations)
    for name, ids in _batches(Picture.objects.filter(shown).ready().order_by("pk")):
        work(name, ids)


def nudge(rows: Iterable[Work]) -> None:
    """Queue the computing of stored rows once they are committed. A broker that is away is logged, and never raised."""
    batches = list(_batches(row for row in rows if row.state == State.PENDING))
    transaction.on_commit(partial(_publish, batches), robust=True)


def sweep() -> int:
    """Queue what no message is on its way for, and fail what was tried too often; how many messages were sent."""
    sent = 0
    for kind in KINDS.values():
        _tidy(kind)
        most = MESSAGES * kind.batch
        unheard = kind.rows.unheard()
        on_their_way = kind.rows.ready().exclude(pk__in=unheard.values("pk"))[:most]
        room = MESSAGES - len(list(_batches(on_their_way)))
        sent += _publish(list(_batches(unheard.order_by("pk")[:most]))[: max(room, 0)])
    return sent


def do(rows: Iterable[Work], *, progress: Callable[[], object] = lambda: None) -> int:
    """Do rows in this process, where there is no worker to do them; how many are finished then.

    ``progress`` is called after each batch.
    """
    finished = 0
    for name, ids in _batches(rows):
        _tidy(KINDS[name])
        work(name, ids)
        finished += KINDS[name].rows.filter(pk__in=ids).exclude(state__in=[State.PENDING, State.RUNNING]).count()
        progress()
    return finished


def _tidy(kind: Kind) -> None:
    kind.rows.give_up()
    kind.rows.follow_sources()


def _publish(batches: list[tuple[str, list[int]]]) -> int:
    sent = 0
    for name, ids in batches[:MESSAGES]:
        rows = KINDS[name].rows
        # Of several workers that sweep at once only the one whose update finds the rows unheard of sends the message.
        if not rows.filter(pk__in=ids).unheard().update(nudged_at=timezone.now()):
            continue
        try:
            work.apply_async((name, ids), retry=False)
        except Exception as error:  # whatever a broker may raise: the rows are stored, and the sweep will come
            rows.filter(pk__in=ids).update(nudged_at=None)
            logger.warning("The broker takes no messages (%s: %s); the sweep tries again.", type(error).__name__, error)
            break
        sent += 1
    return sent


def _batches(rows: Iterable[Work]) -> Iterator[tuple[str, list[int]]]:
    """Rows that can be computed together, by kind; one that was tried before goes alone: it may kill its neighbours."""
    groups: dict[tuple[str, str], dict[int, None]] = {}  # ids in their order, each once
    for row in rows:
        alone = [row.pk] if row.attempts else []
        groups.setdefault((row._meta.label_lower, json.dumps([row.signature(), alone])), {})[row.pk] = None
    for (name, _), found in groups.items():
        ids, size = list(found), KINDS[name].batch
        for start in range(0, len(ids), size):
            yield name, ids[start : start + size]
