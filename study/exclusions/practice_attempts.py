"""Needed too many attempts at the practice.

Comprehension checks that are repeated until passed tell who did not understand (Crump, McDonnell & Gureckis 2013, doi
10.1371/journal.pone.0057410). Practice shows obvious pictures, the same in every arm.
"""

import pandas as pd

VERSION = 1


def excluded(participants: pd.DataFrame, responses: pd.DataFrame, *, at_most: int = 2) -> dict[str, str]:
    """Participants who took more than ``at_most`` attempts at the practice or the quiz."""
    tried = responses[responses["phase"].isin(["practice", "quiz"])]
    attempts = tried["attempt"].astype(float).groupby(tried["participant"], observed=True).max()
    return {
        str(participant): f"{int(count)} attempts at the practice; at most {at_most} allowed."
        for participant, count in attempts.items()
        if count > at_most
    }
