"""A worker's hold on rows: taken, kept alive, and given up only with a result, with words, or untouched."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from celery.worker import state as celery_worker
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import DatabaseError, OperationalError, connection, transaction

from .models import State, Work

T = TypeVar("T")
logger = logging.getLogger(__name__)
TRIES = 6


class LostLeaseError(Exception):
    """Another worker has taken the rows, since this one was silent for too long."""


class StoppedError(Exception):
    """The worker was asked to stop; its rows go back untouched."""


class Lease:
    """Rows of one model under one lease; as a context manager it gives back what was left when it is left early."""

    def __init__(self, model: type[Work], ids: list[int]) -> None:
        self.key = secrets.token_hex(16)
        self.model = model
        self.manager: Any = model._default_manager
        patiently(lambda: self.manager.claim(ids, lease=self.key))
        self.rows: list[Any] = list(self.manager.filter(lease=self.key, state=State.RUNNING).order_by("pk"))
        self.done: list[Any] = []
        self._beaten = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, StoppedError | KeyboardInterrupt | SystemExit):
            patiently(lambda: self.manager.release(self.key))

    def progress(self, fraction: float) -> None:
        """Say that the work goes on, which prolongs the lease; raises LostLeaseError or StoppedError."""
        if is_stopping():
            raise StoppedError
        if time.monotonic() - self._beaten < min(1.0, settings.COMPUTE_LEASE_SECONDS / 4):
            return
        self._beaten = time.monotonic()
        if not patiently(lambda: self.manager.beat(self.key, progress=fraction)):
            raise LostLeaseError

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Prolong the lease from a thread while a block runs that has no progress to tell."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(settings.COMPUTE_LEASE_SECONDS / 4):
                try:
                    self.manager.beat(self.key)
                except DatabaseError:  # away for a moment: the next beat may come in time
                    logger.warning("The lease of %s could not be prolonged.", self.model._meta.label, exc_info=True)
                finally:
                    connection.close()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def finish(
        self,
        row: Any,
        *,
        into: str = "",
        data: bytes = b"",
        along: Callable[[], object] = lambda: None,
        **values: Any,
    ) -> bool:
        """Store a row's result, with ``data`` as its file in the field ``into``; False where the lease was lost.

        The file's name is noted before it is written, so that whoever takes the row after a death can remove it, and
        the row is done only once the file is there. ``along`` is done in the transaction that makes the row done.
        """

        def store() -> bool:
            with transaction.atomic():
                held = bool(self.manager.finish(row.pk, lease=self.key, **values))
                if held:
                    along()
            return held

        if not into:
            finished = patiently(store)
        else:
            field = row._meta.get_field(into)
            old, name = getattr(row, into).name, field.generate_filename(row, "")
            held = self.manager.filter(pk=row.pk, lease=self.key, state=State.RUNNING)
            if not patiently(lambda: held.update(**{into: name})):
                return False
            if old:
                field.storage.delete(old)
            finished = False
            try:
                field.storage.save(name, ContentFile(data))
                finished = patiently(store)
            finally:
                if not finished:
                    field.storage.delete(name)
        if finished:
            self.done.append(row)
        return finished

    def fail(self, row: Any, words: str) -> bool:
        """Mark a row failed; False where the lease was lost."""
        return bool(patiently(lambda: self.manager.fail(row.pk, lease=self.key, error=words)))


def is_stopping() -> bool:
    """Whether the Celery worker in this process was asked to stop; 0, a good exit, is a yes."""
    flags = (celery_worker.should_stop, celery_worker.should_terminate)
    return any(flag is not None and flag is not False for flag in flags)


def patiently(write: Callable[[], T]) -> T:
    """What ``write`` returns; repeated where another process holds SQLite's lock for longer than its own time-out."""
    for tries in range(1, TRIES):
        try:
            return write()
        except OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.1 * 2**tries)
    return write()
