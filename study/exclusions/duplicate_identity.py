"""A second participation of the same person.

Somebody whom the recruiter names twice, such as through two links of one study; after Aguinis, Villamor & Ramani 2021
(doi 10.1177/0149206320969787). The first participation stays.
"""

import pandas as pd

VERSION = 1


def excluded(participants: pd.DataFrame, responses: pd.DataFrame) -> dict[str, str]:
    """Participants whose ``duplicate_of`` names an earlier participation."""
    again = participants[participants["duplicate_of"].fillna("") != ""]
    return {
        str(one.participant): f"The same person took part before, as {one.duplicate_of}."
        for one in again.itertuples(index=False)
    }
