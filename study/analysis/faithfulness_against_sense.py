"""Do methods that score well by machine make more sense to people?

Spearman's correlation of an automatic metric with human scores over methods, the methods being the sample, as Nguyen,
Kim & Nguyen 2021 (arXiv 2105.14944) ask; under six methods that is too few. Over items within each method beside it.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Condition, Estimate, Finding, Test, needed
from study.statistics.crossed_means import UndefinedError
from study.statistics.rank_correlation import over_items, over_methods
from study.statistics.rounding import p_value, rounded, without_zero

VERSION = 1
SEPARATOR = ":"  # a measurement of one condition's pictures is the items' column “metric:condition”


def analyse(
    answers: Answers,
    *,
    metric: str = "",
    value: str = "",
    task: str = "",
    replicates: int = 2000,
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """``metric`` (if empty, all that the items have) from the items' measurements or of that name beside imported
    answers, against the mean of ``value`` (correct or rating)."""
    main = answers.responses[answers.responses["phase"] == "main"]
    value = value or next((name for name in ("correct", "rating") if main[name].notna().any()), "correct")
    if value not in ("correct", "rating"):
        raise AnalysisError(f"Human scores are correct or rating, not “{value}”.")
    rows = answers.main_rows(value, task)
    rows = rows[rows["item"].notna() & rows["condition"].notna()].assign(score=lambda kept: kept[value].astype(float))
    if rows.empty:
        raise AnalysisError(f"No answer of the main phase has an item, a condition and {needed(value)}.")
    found = {one: _metric(answers, rows, one) for one in ([metric] if metric else _metrics(answers))}
    if not found:
        raise AnalysisError(
            "The items have no measurements of the conditions’ pictures (columns such as “deletion:gradient”)."
        )
    said, estimates, tests, drawn, table = [], [], [], [], []
    for name, (methods, automatic, human) in found.items():
        sentence, estimate, test = _over_methods(name, automatic, human, len(rows), rows, replicates, alpha, seed)
        within, estimate_within = _over_items(name, automatic, human, rows)
        said.append(f"{sentence} {within}".strip())
        estimates += [one for one in (estimate, estimate_within) if one]
        tests += [test] if test else []
        if estimate:
            drawn.append(figures.Row(name, [], [], estimate.estimate, estimate.low, estimate.high, reference=0.0))
        table += [
            {
                "metric": name,
                "method": method,
                "metric’s mean": rounded(float(a), 3),
                "human mean": rounded(float(h), 3),
            }
            for method, a, h in zip(methods, np.nanmean(automatic, axis=1), np.nanmean(human, axis=1), strict=True)
        ]
    return Finding(
        analysis="faithfulness_against_sense",
        title="Whether what scores well by machine makes sense to people",
        estimates=tuple(estimates),
        tests=tuple(tests),
        sentence=" ".join(said),
        answer=said[0].split(" (")[0].split(":")[0].rstrip(".") + ".",
        table=pd.DataFrame(table),
        figure=figures.points_and_means(
            drawn,
            figures.Axis(-1.0, 1.0, tuple((k / 2, rounded(k / 2, 1)) for k in range(-2, 3)), "Spearman’s rho"),
            title="Correlation of automatic metrics with human scores over methods",
            interval=f"{100 - 100 * alpha:g} % bootstrap over methods",
            reference="no correlation",
            watermark="simulated participants" if answers.is_simulated else "",
        )
        if drawn
        else "",
        method=(
            f"Automatic metrics and human scores ({value}) were averaged over items for each method and correlated "
            "over methods by Spearman’s rho, with intervals by a bootstrap of methods and p by permuting methods."
        ),
    )


Table = npt.NDArray[np.float64]


def _metrics(answers: Answers) -> list[str]:
    """The measurements that some condition's pictures have."""
    conditions = {condition.name for condition in answers.conditions}
    split = [str(column).rpartition(SEPARATOR) for column in answers.items.columns]
    return sorted({name for name, _, condition in split if name and condition in conditions})


def _metric(answers: Answers, rows: pd.DataFrame, metric: str) -> tuple[list[str], Table, Table]:
    """The methods that have the metric, its values and people's means: (methods, items) each."""
    measured = {c: values for c in answers.conditions if (values := _measured(answers, rows, metric, c)) is not None}
    if not measured:
        raise AnalysisError(f"The items have no measurement “{metric}” of any condition (“{metric}:condition”).")
    methods, items = list(measured), answers.items["item"].astype(str)
    automatic: Table = np.stack([items.map(values).to_numpy(np.float64) for values in measured.values()])
    human = np.full_like(automatic, np.nan)
    for place, method in enumerate(methods):
        means = rows[rows["condition"] == method.name].groupby("item")["score"].mean()
        human[place] = items.map(means).to_numpy(float)
    kept = [k for k in range(len(methods)) if np.isfinite(automatic[k]).any() and np.isfinite(human[k]).any()]
    if not kept:
        raise AnalysisError(f"No method has both the measurement “{metric}” and answers.")
    return [methods[k].label for k in kept], automatic[kept], human[kept]


def _measured(answers: Answers, rows: pd.DataFrame, metric: str, condition: Condition) -> "pd.Series[float] | None":
    """Item -> the metric of a condition's picture: of the items, or of the answers where an imported table has it."""
    own = answers.responses.loc[rows.index[rows["condition"] == condition.name]]
    if metric in own:
        return pd.to_numeric(own[metric], errors="coerce").groupby(own["item"].astype(str)).mean()
    column = f"{metric}{SEPARATOR}{condition.name}"
    if column not in answers.items:
        return None
    return pd.to_numeric(answers.items.set_index(answers.items["item"].astype(str))[column], errors="coerce")


def _over_methods(
    name: str,
    automatic: Table,
    human: Table,
    responses: int,
    rows: pd.DataFrame,
    replicates: int,
    alpha: float,
    seed: int,
) -> tuple[str, Estimate | None, Test | None]:
    try:
        found = over_methods(automatic, human, replicates=replicates, seed=seed, level=1 - alpha)
    except UndefinedError as error:
        problem = str(error).rstrip(".")
        said = f"Whether methods with more {name} make more sense to people cannot be said: {problem[:1].lower()}"
        return f"{said}{problem[1:]}.", None, None
    numbers = (
        f"({found.methods} methods: Spearman’s rho = {without_zero(found.estimate, 2)}, {found.interval} "
        f"[{without_zero(found.low, 2)}, {without_zero(found.high, 2)}], {p_value(found.p)})"
    )
    verdict = (
        "do not clearly make more or less" if found.p >= alpha else "make more" if found.estimate > 0 else "make less"
    )
    people = rows["participant"].nunique()
    shown = without_zero(found.estimate, 2)
    return (
        f"Methods with more {name} {verdict} sense to people {numbers}.",
        Estimate(None, name, found.estimate, found.low, found.high, found.interval, shown, people, responses),
        Test(f"{name}: rho over methods is 0", found.estimate, None, found.p, "methods"),
    )


def _over_items(name: str, automatic: Table, human: Table, rows: pd.DataFrame) -> tuple[str, Estimate | None]:
    try:
        _, mean = over_items(automatic, human)
    except UndefinedError:
        return "", None
    shown = without_zero(mean, 2)
    people = rows["participant"].nunique()
    return (
        f"Within a method, over its items, the mean correlation is {shown}.",
        Estimate(None, f"{name}, over items within methods", mean, None, None, "none", shown, people, len(rows)),
    )
