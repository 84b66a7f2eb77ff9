"""Which items and which classes are easy or hard?

The share of right answers of every item and class under each condition, with intervals of Wilson (1927). Items that
nobody gets right, or everybody, say more than any mean; nothing is tested here.
"""

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding
from study.statistics.rounding import percent

VERSION = 1
CLASS = "truth_class"


def analyse(answers: Answers, *, task: str = "", most: int = 40, alpha: float = 0.05) -> Finding:
    """Counts, shares and intervals; the figure shows the ``most`` lowest of the items (or of the classes)."""
    rows = answers.main_rows("correct", task)
    rows = rows[rows["item"].notna()].assign(right=lambda kept: kept["correct"].astype(float))
    if rows.empty:
        raise AnalysisError("No answer of the main phase has both an item and a key to be right or wrong by.")
    classes = {str(item): str(name) for item, name in answers.of_items(CLASS).items()}
    kinds = {"item": rows["item"].astype(str)}
    if classes and len(set(classes.values())) < len(classes):
        kinds["class"] = rows["item"].map(classes).astype(object)
    labels = {condition.name: condition.label for condition in answers.conditions}
    names: list[str | None] = [name for name in labels if (rows["condition"] == name).any()] or [None]
    interval = f"{100 - 100 * alpha:g} % Wilson"
    estimates, table = [], []
    for kind, keys in reversed(kinds.items()):
        for key, of_key in rows.groupby(keys, sort=True):
            cells: dict[str, str] = {"of": kind, "which": str(key)} if len(kinds) > 1 else {kind: str(key)}
            for name in names:
                own = of_key if name is None else of_key[of_key["condition"] == name]
                one = _estimate(name, f"{kind} {key}", own, interval, alpha)
                estimates.append(one)
                cells["all answers" if name is None else labels[name]] = _cell(one, own)
            table.append(cells)
    kind = "class" if "class" in kinds else "item"
    overall = rows.groupby(kinds[kind].rename("which"), sort=True)["right"].agg(["mean", "size"])
    overall = overall.sort_values("mean", kind="stable")
    shown = overall.head(most)
    notes = [f"The figure shows the {most} lowest of {len(overall)}; the table has all."] if len(overall) > most else []
    notes.append("Wilson’s intervals take answers as independent; they describe these participants’ answers.")
    return Finding(
        analysis="by_item_and_class",
        title="Easy and hard items",
        estimates=tuple(estimates),
        tests=(),
        sentence=_spread(overall, "classes" if kind == "class" else "items"),
        answer=_sentence(overall, "classes" if kind == "class" else "items"),
        table=pd.DataFrame(table),
        figure=figures.points_and_means(
            [_row(str(which), one["mean"], int(one["size"]), alpha) for which, one in shown.iterrows()],
            figures.percent_axis("right answers, all conditions together"),
            title=f"Right answers by {kind}",
            interval=f"share of right answers, {interval}",
            watermark="simulated participants" if answers.is_simulated else "",
        ),
        method=f"Shares of right answers of items and classes are given with {interval} intervals, without tests.",
        notes=tuple(notes),
    )


def _wilson(share: float, count: int, alpha: float) -> tuple[float, float]:
    low, high = proportion_confint(share * count, count, alpha=alpha, method="wilson")
    return float(low), float(high)


def _estimate(name: str | None, term: str, own: pd.DataFrame, interval: str, alpha: float) -> Estimate:
    if own.empty:
        return Estimate(name, term, None, None, None, interval, "–", 0, 0)
    share = float(own["right"].mean())
    low, high = _wilson(share, len(own), alpha)
    return Estimate(
        name, term, share, low, high, interval, f"{percent(share, 0)}%", own["participant"].nunique(), len(own)
    )


def _cell(one: Estimate, own: pd.DataFrame) -> str:
    if one.estimate is None:
        return "no answers"
    return f"{one.shown} [{percent(one.low, 0)}, {percent(one.high, 0)}], {int(own['right'].sum())} of {len(own)}"


def _row(label: str, share: float, count: int, alpha: float) -> figures.Row:
    low, high = _wilson(share, count, alpha)
    return figures.Row(label, [], [], share, low, high)


def _sentence(overall: pd.DataFrame, what: str) -> str:
    low, high = overall.iloc[0], overall.iloc[-1]
    if len(overall) == 1:
        return f"There is one of the {what}, “{overall.index[0]}”: {percent(low['mean'], 0)}% of its answers are right."
    if low["mean"] == high["mean"]:
        return f"All {len(overall)} {what} have the same share of right answers, {percent(low['mean'], 0)}%."
    return (
        f"The hardest of the {len(overall)} {what} is “{overall.index[0]}” ({percent(low['mean'], 0)}% right), the "
        f"easiest “{overall.index[-1]}” ({percent(high['mean'], 0)}%)."
    )


def _spread(overall: pd.DataFrame, what: str) -> str:
    shares = overall["mean"]
    never, always = int((shares == 0).sum()), int((shares == 1).sum())
    return (
        f"Over {len(shares)} {what} the share of right answers goes from {percent(shares.iloc[0], 0)}% to "
        f"{percent(shares.iloc[-1], 0)}%, with a median of {percent(float(shares.median()), 0)}%; {never} nobody got "
        f"right, {always} everybody did."
    )
