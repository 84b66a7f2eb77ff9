"""Do two conditions do equally well, within a margin that matters?

Two one-sided tests (Schuirmann 1987; Lakens 2017, doi 10.1177/1948550617697177) from the design-aware difference: the
two-way clustered estimate, its standard error and degrees of freedom. Such as deconvolution (Zeiler & Fergus 2014)
against back-propagation. Nothing is claimed where the positive control shows no effect.
"""

from dataclasses import dataclass

import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Condition, Estimate, Finding, Test, needed
from study.analysis._axes import differences
from study.statistics.comparisons import NO_ITEM, Contrast, contrasts, scope
from study.statistics.crossed_means import Difference, UndefinedError, crossed_difference
from study.statistics.equivalence import Equivalence, Verdict, default_margin, equivalence
from study.statistics.rounding import p_value, percent, rounded

VERSION = 1
SHARE = {"correct": 100.0, "rating": 1.0}  # a margin in points, in the value's own unit: 1 is this many points
LEAST = 0.005  # of a share of right answers: who gives a smaller margin means a fraction, not percentage points


def analyse(
    answers: Answers,
    *,
    first: str = "",
    second: str = "",
    value: str = "correct",
    margin: float = 0.0,
    reason: str = "",
    task: str = "",
    decimals: int = 1,
    alpha: float = 0.05,
) -> Finding:
    """``first`` against ``second`` (the only two treatments, if none is named); ``margin`` in percentage or scale
    points with its ``reason``: a third of what the positive control gains over the blind one, if none is given."""
    if value not in SHARE:
        raise AnalysisError(f"Equivalence is tested of correct or rating, not of “{value}”.")
    rows = answers.main_rows(value, task)
    if rows.empty:
        other = next(name for name in SHARE if name != value)
        hint = f"; value = “{other}” may be meant" if answers.responses[other].notna().any() else ""
        raise AnalysisError(f"No answer of the main phase has {needed(value)}{hint}.")
    rows = rows.assign(**{value: rows[value].astype(float)})
    pair = _pair(answers.conditions, first, second)
    question = _Question(pair, value, SHARE[value], decimals)
    gate = _gate(rows, value, answers.conditions, alpha)
    bound, why = _margin(answers, rows, value, margin / question.points, reason)
    title = f"Whether {question.named[0]} and {question.named[1]} do equally well"
    if bound is None:
        said = f"{question.undecided}: {why}."
        return Finding("equivalence", title, (), (), sentence=said, answer=said)
    both = rows[rows["condition"].isin([one.name for one in pair])]
    try:
        found = crossed_difference(
            both[value].to_numpy(),
            (both["condition"] == pair[0].name).to_numpy(),
            both["participant"],
            both["item"].fillna(NO_ITEM),
        )
        shown = None if gate is None else gate.is_significant(alpha) and (gate.difference or 0) > 0
        tested = equivalence(
            found,
            bound,
            reason=why,
            has_positive_control_effect=shown,
            alpha=alpha,
        )
    except UndefinedError as error:
        problem = str(error).rstrip(".")
        said = f"{question.undecided}: {problem[:1].lower()}{problem[1:]}."
        return Finding("equivalence", title, (), (), sentence=said, answer=said)
    return _finding(answers, question, title, both, found, tested, gate, alpha)


@dataclass(frozen=True)
class _Question:
    """Which two, and how their difference is said."""

    pair: tuple[Condition, Condition]
    value: str
    points: float
    decimals: int

    @property
    def named(self) -> tuple[str, str]:
        return f"“{self.pair[0].label}”", f"“{self.pair[1].label}”"

    @property
    def undecided(self) -> str:
        return f"Whether {self.named[0]} and {self.named[1]} do equally well cannot be said"

    @property
    def unit(self) -> str:
        return "percentage points" if self.value == "correct" else "points of the scale"

    def number(self, difference: float | None) -> str:
        return rounded(None if difference is None else difference * self.points, self.decimals)


def _pair(conditions: list[Condition], first: str, second: str) -> tuple[Condition, Condition]:
    by_name = {condition.name: condition for condition in conditions}
    treatments = [condition.name for condition in conditions if condition.role == "treatment"]
    if not first and not second:
        if len(treatments) != 2:
            raise AnalysisError(
                f"Equivalence is of two conditions; name them as first and second ({', '.join(by_name) or 'none'})."
            )
        first, second = treatments
    for name in (first, second):
        if name not in by_name:
            raise AnalysisError(f"There is no condition “{name}”; there are: {', '.join(by_name) or 'none'}.")
    if first == second:
        raise AnalysisError("A condition is equivalent to itself; name two different ones.")
    return by_name[first], by_name[second]


def _controls(conditions: list[Condition]) -> tuple[str, str]:
    """The positive and the blind control, "" where there is none."""
    roles = {condition.role: condition.name for condition in reversed(conditions)}
    return roles.get("positive_control", ""), roles.get("blind_control", "")


def _gate(rows: pd.DataFrame, value: str, conditions: list[Condition], alpha: float) -> Contrast | None:
    positive, blind = _controls(conditions)
    return contrasts(rows, value, [(positive, blind)], level=1 - alpha)[0] if positive and blind else None


def _margin(answers: Answers, rows: pd.DataFrame, value: str, margin: float, reason: str) -> tuple[float | None, str]:
    """The margin in the value's unit and its reason; or None, and why there is none."""
    if margin < 0:
        raise AnalysisError("The margin of equivalence is a positive number of points.")
    if value == "correct" and 0 < margin < LEAST:
        raise AnalysisError(
            f"The margin of equivalence is in percentage points, and {100 * margin:g} is less than half of one; "
            f"for {10_000 * margin:g} % of the answers give margin = {10_000 * margin:g}."
        )
    if margin > 0:
        if not reason.strip():
            raise AnalysisError("A margin of equivalence needs its reason in words, as the parameter reason.")
        return margin, reason
    positive, blind = _controls(answers.conditions)
    means = rows.groupby("condition")[value].mean()
    if (positive not in means or blind not in means) and answers.are_conditions_coded:
        raise AnalysisError(
            "The margin of equivalence is a third of the difference between the positive and the blind control, and "
            "which conditions these are is coded: it is known when the blinding is lifted."
        )
    if positive not in means or blind not in means:
        raise AnalysisError(
            "Equivalence needs a margin: give it with its reason, or have a positive and a blind control, a third of "
            "whose difference it then is."
        )
    try:
        bound = default_margin(float(means[positive]), float(means[blind]))
    except UndefinedError as error:
        problem = str(error).rstrip(".")
        return None, problem[:1].lower() + problem[1:]
    return bound, "a third of what the positive control gained over the blind control in these answers"


def _sentence(question: _Question, tested: Equivalence, gate: Contrast | None, alpha: float) -> str:
    first, second = question.named
    bound = f"±{question.number(tested.margin)} {question.unit}"
    numbers = (
        f"difference {question.number(tested.estimate)} {question.unit}, {100 - 200 * alpha:g} % two-way t interval "
        f"[{question.number(tested.low)}, {question.number(tested.high)}], margin {bound} ({tested.reason}); two "
        f"one-sided tests {p_value(tested.p)}, difference from 0 {p_value(tested.p_difference)}, df = {tested.df:.1f}"
    )
    higher, lower = (first, second) if tested.estimate > 0 else (second, first)
    said = {
        Verdict.EQUIVALENT: f"{first} and {second} are equivalent within {bound}: {numbers}.",
        Verdict.TRIVIALLY_DIFFERENT: (
            f"{higher} does better than {lower}, but by less than the margin of {bound}: {numbers}."
        ),
        Verdict.DIFFERENT: f"{first} and {second} are not shown to be equivalent: {higher} does better: {numbers}.",
        Verdict.INCONCLUSIVE: f"Neither a difference nor equivalence of {first} and {second} is shown: {numbers}.",
        Verdict.WITHHELD: (
            f"Nothing is claimed about the equivalence of {first} and {second}, because "
            + (
                "the positive control did no clearly better than the blind control"
                if gate is None or gate.test
                else f"whether the positive control does better than the blind control cannot be said ({gate.problem})"
            )
            + f", so the task may be unable to show any difference: {numbers}."
        ),
    }[tested.verdict]
    if gate is None and tested.verdict in (Verdict.EQUIVALENT, Verdict.TRIVIALLY_DIFFERENT):
        said += " Without a positive and a blind control nobody knows whether the task could have shown a difference."
    return said


def _plain(question: _Question, tested: Equivalence) -> str:
    first, second = question.named
    higher, lower = (first, second) if tested.estimate > 0 else (second, first)
    return {
        Verdict.EQUIVALENT: f"{first} and {second} do equally well, give or take what would matter.",
        Verdict.TRIVIALLY_DIFFERENT: f"{higher} does a little better than {lower}, by less than what would matter.",
        Verdict.DIFFERENT: f"{higher} does better than {lower}.",
        Verdict.INCONCLUSIVE: f"It is open whether {first} and {second} differ or do equally well.",
        Verdict.WITHHELD: f"The study cannot tell whether {first} and {second} do equally well.",
    }[tested.verdict]


def _finding(
    answers: Answers,
    question: _Question,
    title: str,
    both: pd.DataFrame,
    found: Difference,
    tested: Equivalence,
    gate: Contrast | None,
    alpha: float,
) -> Finding:
    first, second = (condition.name for condition in question.pair)
    interval = f"{100 - 200 * alpha:g} % two-way t"
    row = figures.Row(
        f"{question.pair[0].label} − {question.pair[1].label}", [], [], tested.estimate, tested.low, tested.high
    )
    edges = [
        figures.Row(label, [], [], sign * tested.margin, sign * tested.margin, sign * tested.margin)
        for label, sign in (("Margin below", -1), ("Margin above", 1))
    ]
    tests = [
        Test("the difference is below −margin", tested.t_lower, tested.df, None, found.unit),
        Test("the difference is above +margin", tested.t_upper, tested.df, None, found.unit),
        Test(f"{first} and {second} differ by the margin or more", None, tested.df, tested.p, found.unit),
        Test(f"{first} − {second} is 0", found.t_test().statistic, tested.df, tested.p_difference, found.unit),
    ]
    if gate is not None and gate.test is not None:
        test = gate.test
        tests.append(Test(f"{gate.first} − {gate.second} is 0 (gate)", test.statistic, test.df, test.p, test.unit))
    return Finding(
        analysis="equivalence",
        title=title,
        estimates=(
            Estimate(
                None,
                f"{first} − {second}",
                tested.estimate,
                tested.low,
                tested.high,
                interval,
                question.number(tested.estimate),
                both["participant"].nunique(),
                len(both),
            ),
        ),
        tests=tuple(tests),
        sentence=f"{_sentence(question, tested, gate, alpha)} {scope(both)}".strip(),
        answer=f"{_plain(question, tested)} {scope(both)}".strip(),
        table=pd.DataFrame(
            {
                "comparison": [row.label],
                f"difference ({question.unit})": [question.number(tested.estimate)],
                interval: [f"[{question.number(tested.low)}, {question.number(tested.high)}]"],
                "margin": [f"±{question.number(tested.margin)}"],
                "two one-sided tests": [p_value(tested.p)],
                "difference from 0": [p_value(tested.p_difference)],
                "verdict": [str(tested.verdict)],
            }
        ),
        figure=figures.points_and_means(
            [edges[0], row, edges[1]],
            differences(
                [row, *edges],
                f"difference in {question.unit}",
                (lambda value: percent(value, 0)) if question.value == "correct" else None,
            ),
            title=title,
            interval=interval,
            watermark="simulated participants" if answers.is_simulated else "",
        ),
        method=(
            "Equivalence was tested by two one-sided t tests of the difference with its two-way clustered variance "
            f"(participants and items), alpha = {alpha:g} each; margin ±{question.number(tested.margin)} "
            f"{question.unit}: {tested.reason.rstrip('.')}. Nothing is claimed unless the positive control shows an "
            "effect."
        ),
    )
