"""Too many answers faster than anybody can look.

Careless responding by response time, after Wood, Harms, Lowman & DeSimone 2017 (doi 10.1177/1948550617703168).
Answers without a time are not judged.
"""

import pandas as pd

VERSION = 1


def excluded(
    participants: pd.DataFrame, responses: pd.DataFrame, *, floor_ms: float = 300.0, at_most: float = 0.1
) -> dict[str, str]:
    """Participants of whose timed main answers more than the share ``at_most`` took less than ``floor_ms``."""
    timed = responses[(responses["phase"] == "main") & responses["response_ms"].notna()]
    fast = (
        (timed["response_ms"].astype(float) < floor_ms)
        .groupby(timed["participant"], observed=True)
        .agg(["sum", "count"])
    )
    return {
        str(participant): f"{int(one['sum'])} of {int(one['count'])} answers took less than {floor_ms:g} ms; "
        f"at most {at_most:.0%} may."
        for participant, one in fast.iterrows()
        if one["sum"] > at_most * one["count"] + 1e-9
    }
