"""Nearly always the same side, or the same answer.

Long strings of one answer are careless responding (Meade & Craig 2012, doi 10.1037/a0028085). Of choices between
pictures the side on the screen counts; of a named task the answer itself, such as yes or no.
"""

import pandas as pd

VERSION = 1


def excluded(
    participants: pd.DataFrame, responses: pd.DataFrame, *, at_most: float = 0.9, least: int = 8, task: str = ""
) -> dict[str, str]:
    """Participants of whose main answers more than the share ``at_most`` are alike; fewer than ``least`` do not count.

    Without a ``task``, answers whose screen order is known: whether what stood first was preferred.
    """
    rows = responses[responses["phase"] == "main"]
    if task:
        rows = rows[(rows["task"] == task) & rows["response"].notna()]
        side = rows["response"].astype(str)
    elif {"first", "winner", "tie"} <= set(rows.columns):
        rows = rows[rows["first"].notna() & rows["winner"].notna() & ~rows["tie"].isin([True])]
        side = (rows["first"] == rows["winner"]).map({True: "the first picture", False: "another picture"})
    else:
        return {}
    found = {}
    for participant, given in side.groupby(rows["participant"], observed=True):
        counts = given.value_counts()
        if len(given) >= least and counts.iloc[0] > at_most * len(given) + 1e-9:
            found[str(participant)] = (
                f"{counts.iloc[0]} of {len(given)} answers were {counts.index[0]}; at most {at_most:.0%} may be alike."
            )
    return found
