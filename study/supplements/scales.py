"""One comparison on three scales: as it is, on log-odds, and as a share of what there was to gain.

The share of the way from the blind control to the ceiling (the positive control, or the top of the scale) says how much
of what a picture could add was added; its interval is a two-way bootstrap (Owen 2007, doi 10.1214/07-AOAS122).
"""

import numpy as np
import pandas as pd

from study.analysis import Estimate, Finding
from study.analysis._sentences import limits
from study.statistics.bootstrap import Bootstrapped, two_way_bootstrap
from study.statistics.comparisons import Contrast
from study.statistics.crossed_means import UndefinedError, Values
from study.statistics.mixed_models import Contrast as Coefficient
from study.statistics.rounding import percent, rounded
from study.supplements.compared import Comparison

REPLICATES = 1000


def scales(made: Comparison) -> Finding:
    """Each comparison of the family, and the gates, in three units."""
    level = f"{100 * made.level:g} %"
    estimates, table, notes = [], [], []
    raw = {(one.first, one.second): one for one in made.compared.all_contrasts}
    ceiling, described = _ceiling(made)
    for one in made.fitted:
        pair = (one.contrast.first, one.contrast.second)
        seen, counts = raw[pair], (one.contrast.participants, one.contrast.responses)
        name = f"{pair[0]} − {pair[1]}"
        estimates.append(
            Estimate(
                None, f"{name}: {made.unit}", seen.difference, seen.low, seen.high, f"{level} two-way t",
                made.number(seen.difference), *counts,
            )
        )  # fmt: skip
        cells = {
            made.column: made.named(one),
            made.unit: f"{made.number(seen.difference)} {limits(seen.low, seen.high, made.number)}",
        }
        if made.family != "gaussian":
            odds = one.coefficient
            cells[made.link] = (
                f"{rounded(odds.estimate, 2)} {limits(odds.low, odds.high, lambda value: rounded(value, 2))}"
                if odds
                else "undefined"
            )
            if odds:
                estimates.append(
                    Estimate(
                        None, f"{name}: {made.link}", odds.estimate, odds.low, odds.high,
                        f"{odds.interval}, mixed model", rounded(odds.estimate, 2), *counts,
                    )
                )  # fmt: skip
                if _are_opposed(seen, odds):
                    notes.append(
                        f"{made.named(one)}: the {made.link} and the {made.unit} point in opposite directions. The "
                        f"{made.link} compare one person on one item, the {made.unit} are means over all; they part "
                        "where what is hard under one condition is not what is hard under the other."
                    )
        if made.compared.control:
            share = _share(made, pair[0], ceiling)
            if isinstance(share, str):
                cells["% of the way"] = "–" if pair[0] == ceiling else "undefined"
                if share:
                    notes.append(f"“{made.compared.label(pair[0])}”: {share}")
            else:
                (low,), (high,) = share.interval(made.level)
                whole = float(share.estimate[0])
                cells["% of the way"] = f"{percent(whole, 0)} {limits(low, high, lambda value: percent(value, 0))}"
                estimates.append(
                    Estimate(
                        None, f"{name}: share of the way to the ceiling", whole, float(low), float(high),
                        share.name(made.level), percent(whole, 0), *counts,
                    )
                )  # fmt: skip
        table.append(cells)
    way = ""
    if made.compared.control:
        control = made.compared.label(made.compared.control)
        way = f" “% of the way” counts from “{control}” (0 %) to {described} (100 %)."
    return Finding(
        analysis="scales",
        title="The main comparison on other scales",
        estimates=tuple(estimates),
        tests=(),
        sentence=f"The same differences in other units, with {level} intervals.{way}",
        table=pd.DataFrame(table),
        method=(
            f"Differences are also given on the scale of {made.link} (mixed model, restricted likelihood)"
            + (f", and as a share of the way from the control to {described} (two-way bootstrap)" if way else "")
            + "."
        ),
        notes=tuple(notes),
    )


def _are_opposed(seen: Contrast, odds: Coefficient) -> bool:
    """Whether the two have different signs, and one of them is clear."""
    if seen.difference is None or seen.low is None or seen.high is None:
        return False
    return seen.difference * odds.estimate < 0 and (seen.low * seen.high > 0 or odds.low * odds.high > 0)


def _ceiling(made: Comparison) -> tuple[str, str]:
    """The positive control's name, or "" where the top of the scale has to do; and its words."""
    if made.compared.positive:
        name = made.compared.positive[0].first
        return name, f"the positive control “{made.compared.label(name)}”"
    return "", "all answers right" if made.value == "correct" else "the top of the scale"


def _share(made: Comparison, treatment: str, ceiling: str) -> Bootstrapped | str:
    """(treatment − control)/(ceiling − control) with its bootstrap, or why not ("" for the ceiling itself)."""
    if treatment == ceiling:
        return ""
    names = [treatment, made.compared.control, *([ceiling] if ceiling else [])]
    rows = made.rows[made.rows["condition"].isin(names)]
    y = rows[made.value].to_numpy(dtype=np.float64)
    masks = [(rows["condition"] == name).to_numpy() for name in names]
    top = 1.0 if made.value == "correct" else float(rows["scale_high"].astype(float).max())
    if not np.isfinite(top):
        return "The top of the scale is not known, so there is no way to it."

    def statistic(weights: Values) -> float:
        means = []
        for mask in masks:
            total = weights[mask].sum()
            if total <= 0:
                raise UndefinedError("One of the conditions has no answers.")
            means.append(float(weights[mask] @ y[mask] / total))
        end = means[2] if ceiling else top
        return (means[0] - means[1]) / (end - means[1]) if end > means[1] else float("nan")

    try:
        found = two_way_bootstrap(statistic, rows["participant"], rows["item"], replicates=REPLICATES)
    except UndefinedError as error:
        return str(error)
    if not np.isfinite(found.estimate[0]):
        return "The ceiling is not above the control, so there is no way between them."
    return found
