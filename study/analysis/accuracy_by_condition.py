"""How often are people right under each condition: against the control, and against guessing?

Two-way clustered t test over participants and items (Cameron, Gelbach & Miller 2011, doi 10.1198/jbes.2010.07136);
Holm's correction over the comparisons. Two nulls are told apart: “nobody can” (everybody guesses) and “the mean is
1/n”.
"""

from dataclasses import replace

import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Finding, Test
from study.analysis._by_condition import (
    Compared,
    as_test,
    compare,
    comparison_columns,
    conclusion,
    contrast_estimate,
    mean_estimate,
)
from study.analysis._sentences import Wording, limits
from study.statistics.comparisons import ConditionMean
from study.statistics.rounding import p_value, percent, rounded

VERSION = 1


def analyse(
    answers: Answers,
    *,
    task: str = "",
    control: str = "",
    interval: str = "two_way_95",
    decimals: int = 1,
    rounding: str = "half_even",
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """The share of right answers under each condition; primary is the comparison with the control, not with 1/n."""
    rows = answers.main_rows("correct", task)
    if rows.empty:
        raise AnalysisError("No answer of the main phase has a key to be right or wrong by, so there is no accuracy.")
    rows = rows.assign(correct=rows["correct"].astype(float))

    def number(fraction: float | None) -> str:
        return percent(fraction, decimals, rounding)

    wording = Wording(
        more="were right more often",
        less="were right less often",
        most="were right most often",
        least="least often",
        mean=lambda fraction: f"{number(fraction)}%",
        plain=lambda fraction: f"{rounded((fraction or 0) * 100, 0, 'half_up')} of 100 answers",
        number=number,
        unit="percentage points",
    )
    found = compare(
        answers, rows, "correct", control=control, interval=interval, alpha=alpha, seed=seed, chances=_chances(rows)
    )
    sentence, answer = conclusion(found, wording, alpha)
    against, guessing = _chance_notes(found, wording, alpha)
    if not found.contrasts:
        sentence, answer = against, _plain_chance(found, wording, alpha)
        against = ""
    sentence, answer = found.scoped(sentence), found.scoped(answer)
    level = f"{100 - 100 * alpha:g} %"
    return Finding(
        analysis="accuracy_by_condition",
        title="How often people were right",
        estimates=(
            *(mean_estimate(mean, wording) for mean in found.means),
            *(contrast_estimate(one, f"{level} two-way t", wording) for one in found.all_contrasts),
        ),
        tests=_tests(found),
        sentence=sentence,
        answer=answer,
        table=_table(found, wording),
        figure=_figure(answers, found),
        method=(
            "Accuracy is the share of right answers among the answers given in the main trials. Differences between "
            "conditions and from the chance level were tested by t with two-way clustered variances (participants and "
            "items; Cameron, Gelbach & Miller, 2011), two-sided; the variance was taken to what it would be if the "
            f"tested value were true. p values of the comparisons were corrected by Holm’s method; alpha = {alpha:g}. "
            f"Intervals around means are {found.means[0].interval.name}; those around differences {level} two-way t."
        ),
        notes=tuple(note for note in (against, guessing, found.mismatch) if note),
    )


def _chances(rows: pd.DataFrame) -> dict[str | None, float | None]:
    """The chance level of each condition, where all of its answers have the same."""
    levels: dict[str | None, float | None] = {}
    for condition, group in rows.groupby(
        rows["condition"].astype(object).where(rows["condition"].notna(), None), dropna=False
    ):
        values = group["chance"].astype(float).unique()
        is_known = len(values) == 1 and values[0] == values[0] and 0 < values[0] < 1
        levels[condition if isinstance(condition, str) else None] = float(values[0]) if is_known else None
    return levels


def _tests(found: Compared) -> tuple[Test, ...]:
    tests = [
        as_test(f"{one.first} − {one.second}", one.test, one.p_adjusted if one.test else None)
        for one in found.all_contrasts
    ]
    for mean in found.means:
        if mean.chance is not None:
            name = mean.condition or "all answers"
            tests.append(as_test(f"{name}: the mean is {mean.chance:.3g}", mean.against_chance))
            tests.append(as_test(f"{name}: nobody can (everybody guesses at {mean.chance:.3g})", mean.against_guessing))
    return tuple(tests)


def _against_chance(mean: ConditionMean, alpha: float) -> str:
    if mean.against_chance is None or mean.chance is None:
        return "undefined"
    if mean.against_chance.p >= alpha:
        return "unclear"
    return "above" if mean.interval.estimate > mean.chance else "below"


def _chance_notes(found: Compared, wording: Wording, alpha: float) -> tuple[str, str]:
    """Two sentences, one for each null."""
    tested = [mean for mean in found.means if mean.chance is not None and mean.responses]
    if not tested:
        return "", ""
    said = {
        "above": "above the {} that guessing gives ({})",
        "below": "below the {} that guessing gives ({})",
        "unclear": "not clearly different from the {} that guessing gives ({})",
        "undefined": "not to be tested against the {} that guessing gives, because {}",
    }
    parts = []
    for mean in tested:
        outcome = _against_chance(mean, alpha)
        reason = p_value(mean.against_chance.p) if mean.against_chance else mean.problem
        name = found.named(mean.condition)
        parts.append(
            f"{name} {wording.mean(mean.interval.estimate)}, " + said[outcome].format(wording.mean(mean.chance), reason)
        )
    guesses = ", ".join(
        f"{found.named(mean.condition)} {p_value(mean.against_guessing.p)}" for mean in tested if mean.against_guessing
    )
    return (
        f"Averaged over people and items: {'; '.join(parts)}.",
        "If nobody could do it and everybody guessed, at least as many right answers would come up with these "
        f"probabilities (exact binomial over answers, which is valid for that null alone): {guesses}.",
    )


def _plain_chance(found: Compared, wording: Wording, alpha: float) -> str:
    mean = found.means[0]
    outcome = _against_chance(mean, alpha)
    share = wording.plain(mean.interval.estimate)
    if mean.chance is None:
        return f"People were right in {share}."
    guessing = rounded(mean.chance * 100, 0, "half_up")
    return {
        "above": f"People were right in {share}, more than the {guessing} of 100 that guessing gives.",
        "below": f"People were right in {share}, fewer than the {guessing} of 100 that guessing gives.",
        "unclear": f"People were right in {share}; guessing gives {guessing} of 100, which is not clearly different.",
        "undefined": f"People were right in {share}; whether that is guessing cannot be said, because {mean.problem}.",
    }[outcome]


def _table(found: Compared, wording: Wording) -> pd.DataFrame:
    columns = {
        "condition": [found.label(mean.condition) for mean in found.means],
        "participants": [str(mean.participants) for mean in found.means],
        "items": [str(mean.items) for mean in found.means],
        "answers": [str(mean.responses) for mean in found.means],
        "right": [f"{mean_estimate(mean, wording).shown}%" if mean.responses else "–" for mean in found.means],
        found.means[0].interval.name: [
            limits(mean.interval.low, mean.interval.high, wording.number) if mean.responses else "–"
            for mean in found.means
        ],
        "chance": [f"{wording.number(mean.chance)}%" if mean.chance is not None else "–" for mean in found.means],
    }
    if found.control:
        columns |= comparison_columns(found, wording)
    return pd.DataFrame(columns)


def _figure(answers: Answers, found: Compared) -> str:
    has_chance = any(mean.chance is not None for mean in found.means)
    rows = [replace(row, reference=mean.chance) for row, mean in zip(found.figure_rows, found.means, strict=True)]
    return figures.points_and_means(
        rows,
        figures.percent_axis("right answers"),
        title="Right answers by condition: participants, items and means",
        interval=found.means[0].interval.name,
        reference="chance: what guessing gives" if has_chance else "",
        watermark="simulated participants" if answers.is_simulated else "",
    )
