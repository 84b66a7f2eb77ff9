"""Too few catch trials answered right.

Instructional manipulation and catch checks after Oppenheimer, Meyvis & Davidenko 2009 (doi 10.1016/j.jesp.2009.03.009).
Catch trials show obvious pictures, the same in every arm. Who answered none of them is not judged.
"""

import pandas as pd

VERSION = 1


def excluded(participants: pd.DataFrame, responses: pd.DataFrame, *, at_least: float = 0.75) -> dict[str, str]:
    """Participants whose share of right answers among catch trials is below ``at_least``."""
    catch = responses[(responses["phase"] == "catch") & responses["correct"].notna()]
    right = catch["correct"].astype(float).groupby(catch["participant"], observed=True).agg(["sum", "count"])
    return {
        str(
            participant
        ): f"{int(one['sum'])} of {int(one['count'])} catch trials right; at least {at_least:.0%} asked for."
        for participant, one in right.iterrows()
        if one["sum"] < at_least * one["count"] - 1e-9
    }
