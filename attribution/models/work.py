"""Something a worker does once: the state, lease and heartbeat that every computed row has, and who is there to work.

The database is the truth, the broker only a nudge: a row is pending, running under a lease, done, or failed with words.
Whoever holds the lease may write the result; a worker that lost it may not.
"""

import socket
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone


class State(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class WorkQuerySet(models.QuerySet[Any]):
    def unfinished(self) -> Self:
        return self.filter(state__in=[State.PENDING, State.RUNNING])

    def free(self) -> Self:
        """Rows that wait, or whose worker went silent, and that may still be tried."""
        silent = Q(state=State.RUNNING, lease_until__lt=timezone.now())
        return self.filter(Q(state=State.PENDING) | silent, attempts__lt=settings.COMPUTE_ATTEMPTS)

    def ready(self) -> Self:
        """Free rows that have all they need; a row that needs other rows says so here."""
        return self.free()

    def follow_sources(self) -> int:
        """Fail rows whose sources failed, and let them wait again once those are tried again; how many changed."""
        return 0

    def claim(self, ids: list[int], *, lease: str) -> int:
        """Take the ready rows of ``ids`` under a new lease; how many were taken."""
        with transaction.atomic():
            # Two workers that want the same rows: on PostgreSQL each takes what the other has not locked, on SQLite one
            # comes after the other. The condition stands in the UPDATE too, since that is what a lock re-reads.
            ready = list(self.filter(pk__in=ids).ready().order_by("pk").values_list("pk", flat=True))
            locked = self.filter(pk__in=ready).order_by("pk").select_for_update(skip_locked=True)
            held = list(locked.values_list("pk", flat=True))
            return (
                self.filter(pk__in=held)
                .free()
                .update(
                    state=State.RUNNING,
                    lease=lease,
                    lease_until=_lease_end(),
                    attempts=F("attempts") + 1,
                    progress=0,
                    error="",
                )
            )

    def beat(self, lease: str, *, progress: float | None = None) -> int:
        """Prolong a lease; returns how many rows it still holds (0: another worker has taken them)."""
        values: dict[str, Any] = {"lease_until": _lease_end()}
        if progress is not None:
            values["progress"] = progress
        return self.filter(lease=lease, state=State.RUNNING).update(**values)

    def finish(self, pk: int, *, lease: str, **values: Any) -> bool:
        """Mark a row done with its result, if ``lease`` still holds it."""
        done = {"state": State.DONE, "progress": 1, "finished_at": timezone.now(), "lease": "", "lease_until": None}
        return self.filter(pk=pk, lease=lease, state=State.RUNNING).update(**done, **values) == 1

    def fail(self, pk: int, *, lease: str, error: str) -> bool:
        """Mark a row failed, saying why, if ``lease`` still holds it."""
        held = self.filter(pk=pk, lease=lease, state=State.RUNNING)
        return held.update(state=State.FAILED, error=error, finished_at=timezone.now(), lease="", lease_until=None) == 1

    def release(self, lease: str) -> int:
        """Give rows back that a worker will not get to, as if it had not taken them; how many."""
        held = self.filter(lease=lease, state=State.RUNNING)
        return held.update(
            state=State.PENDING, attempts=F("attempts") - 1, progress=0, lease="", lease_until=None, nudged_at=None
        )

    def give_up(self) -> int:
        """Fail the rows that took their worker with them too often; how many."""
        silent = self.filter(state=State.RUNNING, lease_until__lt=timezone.now())
        return silent.filter(attempts__gte=settings.COMPUTE_ATTEMPTS).update(
            state=State.FAILED,
            error=(
                f"Its worker died {settings.COMPUTE_ATTEMPTS} times while computing this (killed, or out of memory), "
                "so it is not tried again by itself."
            ),
            finished_at=timezone.now(),
            lease="",
            lease_until=None,
        )

    def unheard(self) -> Self:
        """Ready rows that no message is on its way for, as far as one can know: never nudged, or long ago."""
        old = timezone.now() - timedelta(seconds=settings.COMPUTE_NUDGE_SECONDS)
        lost = Q(nudged_at__isnull=True) | Q(nudged_at__lt=old) | Q(state=State.RUNNING, nudged_at__lt=F("lease_until"))
        return self.ready().filter(lost)

    def retry(self) -> int:
        """Let failed rows wait again, as if never tried; how many there were."""
        return self.filter(state=State.FAILED).update(
            state=State.PENDING, error="", attempts=0, progress=0, nudged_at=None, finished_at=None
        )


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.COMPUTE_LEASE_SECONDS)


class Work(models.Model):
    """Something a worker does once: pending, running under a lease with a heartbeat, done, or failed with words."""

    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING, db_index=True)
    error = models.TextField(blank=True)
    progress = models.FloatField(default=0)
    lease = models.CharField(max_length=32, blank=True, db_index=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    nudged_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = WorkQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["pk"]

    @property
    def is_unfinished(self) -> bool:
        return self.state in (State.PENDING, State.RUNNING)

    def signature(self) -> list[Any]:
        """What rows must have in common to be worked at together."""
        return [self.pk]


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> Self:
        """Workers whose sweep was heard of lately, busy or not."""
        lately = max(3 * settings.COMPUTE_SWEEP_SECONDS, 10)
        return self.filter(seen_at__gte=timezone.now() - timedelta(seconds=lately))

    def heard(self, name: str, pid: int) -> None:
        """Note that a worker is there; forget those that have been silent for a day."""
        now = timezone.now()
        self.filter(seen_at__lt=now - timedelta(days=1)).delete()
        self.update_or_create(name=name, pid=pid, defaults={"seen_at": now, "host": socket.gethostname()})


class Worker(models.Model):
    """A worker process that is there, or was: each says so at every sweep, and takes its row away when it stops."""

    name = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    host = models.CharField(max_length=200)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pid"]
        constraints = [models.UniqueConstraint(fields=["name", "pid"], name="worker_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})"
