"""One row's attempt: it fails alone and in words, is timed, and leaves what JSON can hold."""

import itertools
import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from django.db import DatabaseError

from . import plugins
from .leases import Lease, LostLeaseError, StoppedError
from .models import Computation

logger = logging.getLogger(__name__)
# What says nothing about the row: it is tried again later, by this worker or another.
PASSING = (LostLeaseError, StoppedError, DatabaseError)


@contextmanager
def failing_alone(lease: Lease, row: Any, *, unless: bool = False) -> Iterator[list[bool]]:
    """Fail ``row`` with words where the block raises, or only log it where ``unless``; yields what is true if not."""
    went: list[bool] = []
    try:
        yield went
        went.append(True)
    except PASSING:
        raise
    except Exception as error:
        if unless:
            logger.warning("A batch of %s failed (%s); each of its rows is tried alone.", row._meta.label, error)
            return
        expected = isinstance(error, ValueError)  # a sentence for people: what is wrong and what would be right
        logger.warning("%s %s failed: %s", row._meta.label, row.pk, error, exc_info=None if expected else error)
        lease.fail(row, str(error) if expected else f"{type(error).__name__}: {error}")


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    """Yields what tells the seconds since the block began."""
    began = time.perf_counter()
    yield lambda: time.perf_counter() - began


def check_version(row: Computation) -> None:
    """A stored key names the plug-in's version, so another version's result must not be stored under it."""
    installed = plugins.describe(row.folder, row.plugin).version
    if installed != row.version:
        raise ValueError(
            f"It was ordered from version {row.version} of {row.plugin}, but version {installed} is installed; "
            "order it anew."
        )


def alike(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """The rows in groups of equal signature: what can be computed together."""

    def key(row: Any) -> str:
        return json.dumps(row.signature(), sort_keys=True)

    for _, group in itertools.groupby(sorted(rows, key=key), key=key):
        yield list(group)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numpy's numbers as Python's, and None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
