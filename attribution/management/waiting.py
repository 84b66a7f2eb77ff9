"""Commands wait for rows: by watching the workers, or by doing the work themselves where there is no worker."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tqdm import tqdm

from attribution.models import State, Work, Worker
from attribution.tasks import do, nudge

LOOK_SECONDS = 0.5
SHOWN_FAILURES = 20


class WorkFailedError(ValueError):
    """Some of what was waited for could not be computed; the message names each with its reason."""


def see_through(rows: Sequence[Work], *, unit: str, is_quiet: bool = False) -> None:
    """Return when all rows are done, showing a progress bar; failed ones are tried again. Raises WorkFailedError."""
    for model, ids in _by_model(rows):
        model._default_manager.filter(pk__in=ids).retry()
    nudge(reread(rows))
    told = False
    with tqdm(total=len(rows), unit=f" {unit}", disable=is_quiet, bar_format=BAR) as bar:
        while _show(bar, rows):
            if Worker.objects.alive().exists():
                time.sleep(LOOK_SECONDS)
                continue
            if not told:
                bar.write("No worker is running, so this process does the work.")
                told = True
            if not do(_unfinished(rows), progress=lambda: _show(bar, rows)):
                time.sleep(LOOK_SECONDS)  # a worker that died holds its rows until their lease ends
    failed = [row for row in reread(rows) if row.state == State.FAILED]
    if failed:
        words = "\n".join(f"  - {row}: {row.error}" for row in failed[:SHOWN_FAILURES])
        raise WorkFailedError(f"{len(failed)} of {len(rows)} failed:\n{words}")


BAR = "{l_bar}{bar}| {n:.0f}/{total_fmt}{unit} [{elapsed}<{remaining}]"


def reread(rows: Sequence[Work]) -> list[Any]:
    """The same rows as they are stored now, in the same order."""
    stored = {
        (model, row.pk): row for model, ids in _by_model(rows) for row in model._default_manager.filter(pk__in=ids)
    }
    return [stored[type(row), row.pk] for row in rows]


def _unfinished(rows: Sequence[Work]) -> Iterator[Work]:
    for model, ids in _by_model(rows):
        yield from model._default_manager.filter(pk__in=ids).unfinished()


def _show(bar: Any, rows: Sequence[Work]) -> int:
    """Move the bar to where the rows stand; how many are unfinished."""
    stands: list[float] = []
    left = 0
    for model, ids in _by_model(rows):
        for state, progress in model._default_manager.filter(pk__in=ids).values_list("state", "progress"):
            is_unfinished = state in (State.PENDING, State.RUNNING)
            left += is_unfinished
            stands.append(progress if is_unfinished else 1)
    bar.n = sum(stands)
    bar.refresh()
    return left


def _by_model(rows: Iterable[Work]) -> Iterator[tuple[type[Work], list[int]]]:
    ids: dict[type[Work], list[int]] = {}
    for row in rows:
        ids.setdefault(type(row), []).append(row.pk)
    for model, some in ids.items():
        for start in range(0, len(some), 500):
            yield model, some[start : start + 500]
