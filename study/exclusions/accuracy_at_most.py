"""No better than a given accuracy in the main trials.

As in Taesiri, Nguyen & Nguyen 2022 (arXiv 2208.00780). It looks at the outcome itself and so can make an effect:
reports flag it.
"""

import pandas as pd

VERSION = 1
OUTCOME_DEPENDENT = True


def excluded(participants: pd.DataFrame, responses: pd.DataFrame, *, value: float = 0.5) -> dict[str, str]:
    """Participants whose share of right answers in the main phase is at most ``value``."""
    main = responses[(responses["phase"] == "main") & responses["correct"].notna()]
    accuracy = main["correct"].astype(float).groupby(main["participant"], observed=True).mean()
    return {
        str(participant): f"Accuracy {share:.1%}, which is at most {value:.1%}."
        for participant, share in accuracy.items()
        if share <= value + 1e-9
    }
