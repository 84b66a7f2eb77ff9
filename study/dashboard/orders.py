"""Asking the workers for rows."""

from collections.abc import Sequence
from typing import Any, TypeVar

from attribution.models import Work
from attribution.tasks import nudge

Row = TypeVar("Row", bound=Work)


def send(rows: Sequence[Row]) -> list[Row]:
    """Queue stored rows of one kind, those that failed before once more; the rows as they are stored then."""
    if not rows:
        return []
    manager: Any = type(rows[0])._default_manager
    ids = [row.pk for row in rows]
    manager.filter(pk__in=ids).retry()
    stored = manager.in_bulk(ids)
    sent = [stored[pk] for pk in ids]
    nudge(sent)
    return sent
