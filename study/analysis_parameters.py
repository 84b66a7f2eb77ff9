"""What the parameters that many analyses share may be, wherever they are given: a study's document, or a mapping."""

from collections.abc import Mapping
from typing import Any

from study.statistics.intervals import interval_name
from study.statistics.rounding import RULES

COUNTS = ("replicates", "splits", "most")


def unfit(given: Mapping[str, Any]) -> dict[str, str]:
    """Parameter -> what it should be, of those whose value no analysis can work with."""
    found = {}
    try:
        interval_name(str(given.get("interval", "two_way_95")))
    except ValueError as error:
        found["interval"] = str(error)
    if given.get("rounding", "half_even") not in RULES:
        found["rounding"] = f"should be one of: {', '.join(RULES)}"
    if type(given.get("decimals", 0)) is not int or not 0 <= given.get("decimals", 0) <= 10:
        found["decimals"] = "should be a whole number from 0 to 10"
    if type(given.get("alpha", 0.05)) is not float or not 0 < given.get("alpha", 0.05) < 0.5:
        found["alpha"] = "should be a number between 0 and 0.5"
    if type(given.get("seed", 0)) is not int or given.get("seed", 0) < 0:
        found["seed"] = "should be a whole number, 0 or more"
    for name in COUNTS:
        if type(given.get(name, 1)) is not int or given.get(name, 1) < 1:
            found[name] = "should be a whole number, 1 or more"
    return {name: f"{words.rstrip('.')}." for name, words in found.items() if name in given}
