"""The rows that every request of a participation reads, by SQL: composing these two queries anew costs the ORM many
times what running them costs the database, and they would be half of what an answer costs.
"""

import json
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from study.models import Participant, Study, Trial

# In the order of the models' own fields, as from_db wants them.
# Not the study: its document can be large, and a participation needs it for words only (``pages`` keeps those).
PARTICIPANT_FIELDS = (
    *("id", "study_id", "recruitment_id", "code", "token", "withdrawal_code"),
    *("origin", "state", "language", "last_seen_at"),
)
PARTICIPANT = f"""
SELECT {", ".join(f"p.{name}" for name in PARTICIPANT_FIELDS)}, s.frozen_at
FROM study_participant p JOIN study_study s ON s.id = p.study_id WHERE p.token = %s
"""  # noqa: S608  names of columns, from above
TRIAL_FIELDS = (
    *("id", "participant_id", "stimulus_id", "task", "trial_type", "phase"),
    *("position", "attempt", "repeat_of_id", "options", "seed"),
)
UNANSWERED = f"""
SELECT {", ".join(f"t.{name}" for name in TRIAL_FIELDS)}
FROM study_trial t LEFT JOIN study_response r ON r.trial_id = t.id WHERE t.participant_id = %s AND r.id IS NULL
ORDER BY t.position, t.attempt LIMIT %s
"""  # noqa: S608  names of columns, from above


def participant_of(token: str, *, lock: bool = False) -> Participant | None:
    """The participant of ``token``, its study with nothing but ``frozen_at``; locked until the transaction ends."""
    # SQLite has no row locks and needs none: a writer has the whole database.
    for_update = "FOR UPDATE OF p" if lock and connection.features.has_select_for_update else ""
    rows = _rows(PARTICIPANT + for_update, token)
    if not rows:
        return None
    *values, last_seen_at, frozen_at = rows[0]
    participant = Participant.from_db(connection.alias, PARTICIPANT_FIELDS, [*values, _moment(last_seen_at)])
    participant.study = Study.from_db(
        connection.alias, ["id", "frozen_at"], [participant.study_id, frozen_at and _moment(frozen_at)]
    )
    return participant


def unanswered(participant: Participant, limit: int) -> list[Trial]:
    """The first ``limit`` trials without a response, in the order in which they are to be answered."""
    return [
        Trial.from_db(connection.alias, TRIAL_FIELDS, [*values, _json(options), seed])
        for *values, options, seed in _rows(UNANSWERED, participant.pk, limit)
    ]


def _rows(query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def _moment(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)  # SQLite keeps UTC without saying so


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
