"""The finding of comparisons by mixed model: the same for every kind of response, apart from its words."""

from collections.abc import Callable

import pandas as pd

from study import figures
from study.analysis import Answers, Estimate, Finding
from study.analysis._axes import differences
from study.analysis._by_condition import as_test, conclusion, contrast_estimate, mean_estimate
from study.analysis._modelled import Fitted, Modelled
from study.analysis._sentences import Wording, limits
from study.statistics.rounding import p_value, rounded


def finding(
    answers: Answers,
    found: Modelled,
    wording: Wording,
    *,
    analysis: str,
    title: str,
    link: str,
    tick: Callable[[float], str] | None,
    method: str,
    alpha: float,
) -> Finding:
    """Estimates, tests, table, figure and sentences of ``found``; ``link`` names the scale that is tested."""
    sentence, answer = conclusion(found.compared, wording, alpha)
    level = f"{100 - 100 * alpha:g} %"
    drawn = [_row(found, one) for one in found.fitted if one.coefficient]
    return Finding(
        analysis=analysis,
        title=title,
        estimates=(
            *(mean_estimate(mean, wording) for mean in found.compared.means),
            *(contrast_estimate(one.contrast, f"{level} {wording.interval}", wording) for one in found.fitted),
            *(estimate for one in found.fitted for estimate in _on_link(one, link)),
        ),
        tests=tuple(
            as_test(
                f"{one.contrast.first} − {one.contrast.second}: {link}",
                one.contrast.test,
                one.contrast.p_adjusted if one.contrast.test else None,
            )
            for one in found.fitted
        ),
        sentence=found.compared.scoped(sentence),
        answer=found.compared.scoped(answer),
        table=pd.DataFrame([_cells(found, one, wording, link, level) for one in found.fitted]),
        figure=figures.points_and_means(
            drawn,
            differences(drawn, f"difference in {wording.unit}", tick),
            title=f"{title}: differences",
            interval=f"difference, {level} {wording.interval}",
            reference="no difference",
            watermark="simulated participants" if answers.is_simulated else "",
        )
        if drawn
        else "",
        method=method,
        notes=(*_disagreements(found, wording, link, alpha), *found.notes),
    )


def _disagreements(found: Modelled, wording: Wording, link: str, alpha: float) -> list[str]:
    """Where the test on the scale of the link and the difference that people read would be told differently."""
    return [
        f"{found.named(one)}: the {link} that are tested ({p_value(one.coefficient.p)}, before any correction) and the "
        f"{wording.unit} ({p_value(one.margin.p)}) do not agree. The {link} are those of a typical participant and a "
        f"typical item, the {wording.unit} are averages over all, and participants or items vary more under one of the "
        "two conditions."
        for one in found.fitted
        if one.coefficient and one.margin and (one.coefficient.p < alpha) != (one.margin.p < alpha)
    ]


def _on_link(one: Fitted, link: str) -> list[Estimate]:
    if one.coefficient is None:
        return []
    found = one.coefficient
    return [
        Estimate(
            condition=None,
            term=f"{one.contrast.first} − {one.contrast.second}: {link}",
            estimate=found.estimate,
            low=found.low,
            high=found.high,
            interval=found.interval,
            shown=rounded(found.estimate, 2),
            participants=one.contrast.participants,
            responses=one.contrast.responses,
        )
    ]


def _row(found: Modelled, one: Fitted) -> figures.Row:
    contrast = one.contrast
    return figures.Row(_named(found, one), [], [], contrast.difference, contrast.low, contrast.high, reference=0.0)


def _named(found: Modelled, one: Fitted) -> str:
    return f"{found.compared.label(one.contrast.first)} − {found.compared.label(one.contrast.second)}"


def _cells(found: Modelled, one: Fitted, wording: Wording, link: str, level: str) -> dict[str, str]:
    contrast, coefficient = one.contrast, one.coefficient
    cells = {
        "comparison": _named(found, one),
        "participants": str(contrast.participants),
        "answers": str(contrast.responses),
        wording.unit: wording.number(contrast.difference),
        f"{level} {wording.interval}": limits(contrast.low, contrast.high, wording.number),
    }
    if coefficient is None:
        return cells | {link: "undefined", f"{level} t": "–", "df": "–", "p (Holm)": contrast.problem}
    return cells | {
        link: rounded(coefficient.estimate, 2),
        f"{level} t": limits(coefficient.low, coefficient.high, lambda value: rounded(value, 2)),
        "df": rounded(coefficient.df, 1),
        "p (Holm)": p_value(contrast.p_adjusted).removeprefix("p = ").removeprefix("p "),
    }
