"""The regions that participants marked, one row each: the same from a study's rows and from its exported files."""

import json
from typing import Any

import pandas as pd

NEEDED = ("tool", "brush", "panels")  # the columns of a trial type that marks
COLUMNS = (
    "participant",
    "item",
    "condition",
    "task",
    "position",
    "attempt",
    "region",
    "kind",
    "width",
    "points",
    "panels",
)


def regions(responses: pd.DataFrame) -> pd.DataFrame:
    """Of answers in the main phase that mark something: ``COLUMNS``, regions numbered from 1 in each answer.

    ``kind`` is point, box, polygon or brush, ``points`` their [[x, y], ...] in fractions of the picture, ``width`` the
    brush's (picture widths), ``panels`` the pictures on the screen, the marked one first.
    """
    if not set(NEEDED) <= set(responses):
        return pd.DataFrame(columns=list(COLUMNS))
    marking = responses[(responses["phase"] == "main") & responses["tool"].notna() & responses["response"].notna()]
    rows = [
        [*map(row.get, COLUMNS[:6]), number, row["tool"], row["brush"], points, row["panels"]]
        for row in marking.to_dict("records")
        for number, points in enumerate(_points(row["response"]), start=1)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _points(response: Any) -> list[list[list[float]]]:
    found: list[list[list[float]]] = json.loads(response)
    return found
