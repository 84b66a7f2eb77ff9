"""How long do people take to answer under each condition?

Linear mixed model of the logarithm of the response time (Baayen & Milin 2010, doi 10.21500/20112084.807): differences
are ratios of times; medians beside it. Absent, negative and timed-out times are left out and counted.
"""

import math

import numpy as np
import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding
from study.analysis._axes import spanning
from study.analysis._by_condition import as_test, compare, conclusion
from study.analysis._modelled import Fitted, Modelled, modelled
from study.analysis._sentences import Wording
from study.statistics.comparisons import NO_ITEM
from study.statistics.rounding import p_value, rounded

VERSION = 1


def analyse(answers: Answers, *, task: str = "", control: str = "", alpha: float = 0.05, seed: int = 0) -> Finding:
    """Ratios of response times, against the control or in all pairs, and each condition's median in seconds."""
    rows = answers.main_rows("participant", task)
    is_late = rows["is_timed_out"].eq(True) if "is_timed_out" in rows else pd.Series(False, rows.index)
    times = rows["response_ms"].astype(float) if "response_ms" in rows else pd.Series(math.nan, rows.index)
    usable = times.gt(0) & np.isfinite(times) & ~is_late
    if not usable.any():
        raise AnalysisError("No answer of the main phase has a response time above 0.")
    kept = rows[usable].assign(seconds=times[usable] / 1000, log_seconds=np.log(times[usable] / 1000))
    if _are_of_participations(kept):
        raise AnalysisError(
            "Each participant has one and the same time in all answers: a time of the whole participation, not of "
            "single answers, says nothing of conditions."
        )
    notes = []
    if left_out := int((~usable).sum()):
        notes.append(f"{left_out} of {len(rows)} answers without a response time above 0, or timed out, are left out.")
    observed = compare(answers, kept, "log_seconds", control=control, interval="two_way_95", alpha=alpha, seed=seed)
    medians = {
        mean.condition: float(_of(kept, mean.condition)["seconds"].median())
        for mean in observed.means
        if mean.responses
    }
    found = modelled(observed, kept, "log_seconds", family="gaussian", alpha=alpha) if observed.contrasts else None
    fitted = found.fitted if found else ()
    typical = {mean.condition: _typical(mean.interval.estimate) for mean in observed.means}
    told = [_sentence(found, one, typical, alpha) for one in fitted] if found else []
    overall = float(kept["seconds"].median())
    level = f"{100 - 100 * alpha:g} %"
    return Finding(
        analysis="response_times",
        title="How long people took",
        estimates=(
            *(_median(kept, condition, median) for condition, median in medians.items()),
            *(_ratio(one, level) for one in fitted),
        ),
        tests=tuple(
            as_test(
                f"{one.contrast.first} − {one.contrast.second}: logarithm of the time",
                one.contrast.test,
                one.contrast.p_adjusted if one.contrast.test else None,
            )
            for one in fitted
        ),
        sentence=observed.scoped(" ".join(told) or f"The median response time is {rounded(overall, 2)} s."),
        answer=observed.scoped(_plain(found, overall, alpha)),
        table=pd.DataFrame(
            {
                "condition": [observed.label(condition) for condition in medians],
                "answers": [str(len(_of(kept, condition))) for condition in medians],
                "median (s)": [rounded(median, 2) for median in medians.values()],
                "middle half (s)": [
                    " to ".join(rounded(float(limit), 2) for limit in _of(kept, c)["seconds"].quantile([0.25, 0.75]))
                    for c in medians
                ],
            }
        ),
        figure=_figure(answers, kept, {condition: observed.label(condition) for condition in medians}),
        method=(
            "Natural logarithms of response times were compared by linear mixed models with random intercepts of "
            "participants and items and random slopes of the condition over those within which it varies (restricted "
            "likelihood), tested by t with the degrees of freedom of the unit that varies, two-sided, corrected by "
            f"Holm’s method; alpha = {alpha:g}. A difference of logarithms is a ratio of times; the typical "
            "times are geometric means."
        ),
        notes=(*notes, *(found.notes if found else ())),
    )


def _are_of_participations(kept: pd.DataFrame) -> bool:
    """Whether times differ between participants, but never within one who answered several times."""
    own = kept.groupby("participant", observed=True)["seconds"]
    return kept["seconds"].nunique() > 1 and own.size().max() > 1 and own.nunique().max() == 1


def _of(kept: pd.DataFrame, condition: str | None) -> pd.DataFrame:
    return kept if condition is None else kept[kept["condition"] == condition]


def _median(kept: pd.DataFrame, condition: str | None, median: float) -> Estimate:
    own = _of(kept, condition)
    return Estimate(
        condition, "median (s)", median, None, None, "none", rounded(median, 2), own["participant"].nunique(), len(own)
    )


def _ratio(one: Fitted, level: str) -> Estimate:
    found = one.coefficient
    ratio, low, high = (math.exp(x) for x in (found.estimate, found.low, found.high)) if found else (None, None, None)
    return Estimate(
        None,
        f"{one.contrast.first} / {one.contrast.second}",
        ratio,
        low,
        high,
        f"{level} t on the logarithm",
        rounded(ratio, 2),
        one.contrast.participants,
        one.contrast.responses,
    )


def _typical(mean: float | None) -> str:
    """What is tested are means of logarithms; back in seconds they are geometric means, and agree with the ratio."""
    return f"typically {rounded(None if mean is None else math.exp(mean), 2)} s"


def _sentence(found: Modelled, one: Fitted, typical: dict[str | None, str], alpha: float) -> str:
    contrast, fitted = one.contrast, one.coefficient
    first, second = found.compared.named(contrast.first), found.compared.named(contrast.second)
    if fitted is None or contrast.test is None:
        return f"Whether people took longer with {first} or with {second} cannot be said: {contrast.problem}."
    numbers = (
        f"{rounded(math.exp(fitted.estimate), 2)} times as long, {100 - 100 * alpha:g} % t interval of the ratio "
        f"[{rounded(math.exp(fitted.low), 2)}, {rounded(math.exp(fitted.high), 2)}], t({fitted.df:.1f}) = "
        f"{rounded(fitted.t, 2)}, {p_value(contrast.p_adjusted)}"
    )
    sides = [f"{name} ({typical[key]})" for name, key in ((first, contrast.first), (second, contrast.second))]
    if not contrast.is_significant(alpha):
        return f"There is no clear difference in time between {sides[0]} and {sides[1]}: {numbers}."
    word = "longer" if fitted.estimate > 0 else "less time"
    return f"People took {word} with {sides[0]} than with {sides[1]}: {numbers}."


def _plain(found: Modelled | None, overall: float, alpha: float) -> str:
    wording = Wording(
        more="took longer",
        less="took less time",
        most="took longest",
        least="the least time",
        mean=_typical,
        plain=_typical,
        number=lambda ratio: rounded(ratio, 2),
        unit="in logarithms",
    )
    compared = conclusion(found.compared, wording, alpha)[1] if found else ""
    return f"Half of the answers came within {rounded(overall, 1)} seconds. {compared}".strip()


def _figure(answers: Answers, kept: pd.DataFrame, labels: dict[str | None, str]) -> str:
    rows = []
    for condition, label in labels.items():
        own = _of(kept, condition).assign(item=lambda frame: frame["item"].fillna(NO_ITEM))
        rows.append(
            figures.Row(
                label,
                list(own.groupby("participant")["seconds"].median()),
                list(own.groupby("item")["seconds"].median()),
                float(own["seconds"].median()),
            )
        )
    return figures.points_and_means(
        rows,
        spanning([0.0, *(value for row in rows for value in (*row.participants, *row.items))], "seconds"),
        title="Response times by condition: participants’, items’ and all answers’ medians",
        interval="over all answers",
        statistic="median",
        watermark="simulated participants" if answers.is_simulated else "",
    )
