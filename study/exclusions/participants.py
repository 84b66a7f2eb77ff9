"""Participants left out by name, with the reason that is given.

A list made by hand, as in Taesiri, Nguyen & Nguyen 2022 (arXiv 2208.00780); it says why, and the report prints it.
"""

from collections.abc import Sequence

import pandas as pd

from study.exclusions import ExclusionError

VERSION = 1


def excluded(
    participants: pd.DataFrame, responses: pd.DataFrame, *, named: Sequence[str] = (), reason: str = ""
) -> dict[str, str]:
    """Those of ``named`` who take part; the reason has to be given."""
    if not reason.strip():
        raise ExclusionError("Participants left out by name need a reason; give it as reason = “…”.")
    present = set(participants["participant"])
    return {str(name): reason for name in named if str(name) in present}
