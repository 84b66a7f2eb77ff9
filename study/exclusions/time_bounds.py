"""Took part for too short or too long a time.

From the beginning of the participation to its end, after Malhotra 2008 (doi 10.1093/poq/nfn050) on completion times.
Who has no such times, as in imported answers, is not judged.
"""

import pandas as pd

from study.exclusions import ExclusionError

VERSION = 1


def excluded(
    participants: pd.DataFrame, responses: pd.DataFrame, *, least_minutes: float = 0.0, most_minutes: float = 0.0
) -> dict[str, str]:
    """Participants whose whole time is below ``least_minutes`` or above ``most_minutes``; 0 is no bound."""
    if least_minutes < 0 or most_minutes < 0 or (most_minutes and most_minutes <= least_minutes):
        raise ExclusionError("The bounds of the time should be minutes, least_minutes below most_minutes; 0 is none.")
    if not {"started_at", "completed_at"} <= set(participants.columns):
        return {}
    ends = pd.to_datetime(participants["completed_at"], utc=True, errors="coerce")
    minutes = (ends - pd.to_datetime(participants["started_at"], utc=True, errors="coerce")).dt.total_seconds() / 60
    found = {}
    for participant, taken in zip(participants["participant"], minutes, strict=True):
        if taken < least_minutes:
            found[str(participant)] = f"Took {taken:.1f} minutes; at least {least_minutes:g} asked for."
        elif most_minutes and taken > most_minutes:
            found[str(participant)] = f"Took {taken:.1f} minutes; at most {most_minutes:g} allowed."
    return found
