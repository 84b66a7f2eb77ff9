"""The words for the outcomes of comparisons: chosen from the numbers, so that opposite numbers read opposite."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from study.statistics.comparisons import Contrast
from study.statistics.rounding import p_value, rounded

Show = Callable[[float | None], str]
NEARLY_ALL = 0.95  # of all answers: a benefit that is “at most” so large is no bound to speak of
ALIKE = "all answers under one condition are alike, so that no test can be computed"


@dataclass(frozen=True)
class Wording:
    """How a result is said: ``more``, ``less``, ``most``, ``least`` complete “People … with”."""

    more: str
    less: str
    most: str
    least: str
    mean: Show  # a mean as the field prints it
    plain: Show  # a mean for a layperson
    number: Show  # a difference or limit, without unit
    unit: str
    interval: str = "two-way t"  # of the difference


def limits(low: float | None, high: float | None, number: Show) -> str:
    return "undefined" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def contrast_sentence(contrast: Contrast, means: dict[str, str], wording: Wording, alpha: float, family: int) -> str:
    """One comparison with its numbers, chosen from the adjusted p value and the sign."""
    first, second = f"“{contrast.first}”", f"“{contrast.second}”"
    if contrast.is_separated:
        both = f"{first} ({means[contrast.first]}) and {second} ({means[contrast.second]})"
        return (
            f"All answers with {first} are alike, and all with {second}: {both} differ without an "
            "exception, so that nothing varies of which an interval or a p value could be computed."
        )
    if contrast.test is None or contrast.difference is None:
        return f"Whether {first} and {second} differ cannot be said: {contrast.problem}."
    is_clear = contrast.is_significant(alpha)
    # The interval may then leave out 0 beside a p value that is not clear: a reader should know why.
    is_alone = contrast.test.p < alpha <= contrast.p_adjusted
    alone = "; the interval is of this comparison alone" if is_alone else ""
    adjusted = f" (Holm, {family} comparisons{alone})" if family > 1 else ""
    # Where no word says “more” or “less”, the sign does: it is the interval’s.
    difference = wording.number(abs(contrast.difference) if is_clear else contrast.difference)
    numbers = (
        f"{difference} {wording.unit}{{}}, {100 - 100 * alpha:g} % {wording.interval} "
        f"interval of the difference {limits(contrast.low, contrast.high, wording.number)}, "
        f"t({contrast.test.df:.1f}) = {rounded(contrast.test.statistic, 2)}, {p_value(contrast.p_adjusted)}{adjusted}"
    )
    if contrast.is_contradicted and contrast.p_adjusted < alpha:
        numbers += "; the p value is of another scale, and the means go the other way"
    with_means = f"{first} ({means[contrast.first]}) than with {second} ({means[contrast.second]})"
    if not is_clear:
        return (
            f"There is no clear difference between {first} ({means[contrast.first]}) and {second} "
            f"({means[contrast.second]}): {numbers.format('')}."
        )
    if contrast.difference > 0:
        return f"People {wording.more} with {with_means}: {numbers.format(' more')}."
    return f"People {wording.less} with {with_means}: {numbers.format(' less')}."


def plain_answer(found: Sequence[Contrast], control: str, means: dict[str, str], wording: Wording, alpha: float) -> str:
    """The comparisons with a control in one sentence without statistics."""
    groups = {
        "more": [c for c in found if c.is_significant(alpha) and (c.difference or 0) > 0],
        "less": [c for c in found if c.is_significant(alpha) and (c.difference or 0) < 0],
        "unclear": [c for c in found if c.test is not None and not c.is_significant(alpha)],
        "separated": [c for c in found if c.is_separated],
        "undefined": [c for c in found if c.test is None and not c.is_separated],
    }
    baseline = f"“{control}” ({means[control]})"
    parts = []
    if groups["more"]:
        parts.append(f"people {wording.more} with {_listed(groups['more'], means)} than with {baseline}")
    if groups["less"]:
        parts.append(f"people {wording.less} with {_listed(groups['less'], means)} than with {baseline}")
    if groups["unclear"]:
        parts.append(f"there is no clear difference between {_listed(groups['unclear'], means)} and {baseline}")
    if groups["separated"]:
        parts.append(
            f"{_listed(groups['separated'], means)} and {baseline} differ without an exception, so that no test can be "
            "computed"
        )
    if groups["undefined"]:
        differ = "differs" if len(groups["undefined"]) == 1 else "differ"
        reasons = " and ".join(dict.fromkeys(contrast.problem for contrast in groups["undefined"]))
        parts.append(
            f"whether {_listed(groups['undefined'], means)} {differ} from {baseline} cannot be said, because {reasons}"
        )
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def gate_sentence(
    control: str, positive: Contrast | None, unclear: Sequence[Contrast], alpha: float, show: Show, unit: str
) -> str:
    """What “no clear difference” may mean: nothing, unless a positive control shows that the task can show one."""
    if not unclear:
        return ""
    *others, last = [f"“{contrast.first}”" for contrast in unclear]
    names = f"{', '.join(others)} and {last}" if others else last
    nothing = "bring nothing" if others else "brings nothing"
    if positive is None:
        return (
            f"This is no evidence that {names} {nothing}: without a positive control nobody knows whether the "
            "task could have shown a benefit."
        )
    if positive.test is None and not positive.is_separated:
        return (
            f"This is no evidence that {names} {nothing}: whether the positive control “{positive.first}” does "
            f"better than “{control}” cannot be said, because {positive.problem}."
        )
    if not (positive.is_separated or positive.is_significant(alpha)) or (positive.difference or 0) <= 0:
        return (
            f"This is no evidence that {names} {nothing}: the positive control “{positive.first}” did no clearly "
            f"better than “{control}” either, so the task may be unable to show a benefit."
        )
    largest = max(contrast.high for contrast in unclear if contrast.high is not None)
    start = f"The positive control “{positive.first}” did better than “{control}”, so the task can show a benefit;"
    if unit == "percentage points" and largest > NEARLY_ALL:
        return f"{start} how large one {names} may bring these answers leave open."
    return f"{start} for {names} one of more than {show(largest)} {unit} is unlikely."


def pairwise_sentence(found: Sequence[Contrast], ordered: Sequence[str], means: dict[str, str], alpha: float) -> str:
    """All of several pairs in one sentence: the highest, the lowest, which differ, which cannot be told."""
    clear = [contrast for contrast in found if contrast.is_significant(alpha)]
    undefined = [contrast for contrast in found if contrast.test is None]
    top, bottom = ordered[0], ordered[-1]
    start = f"The highest mean is with “{top}” ({means[top]}), the lowest with “{bottom}” ({means[bottom]})"
    if top == bottom:
        start = f"Only “{top}” has answers ({means[top]})"
    elif means[top] == means[bottom]:
        start = f"All means are {means[top]}"
    if all(contrast.is_unvaried for contrast in found):
        return f"{start}; {ALIKE}."
    if len(undefined) == len(found):
        return f"{start}; whether conditions differ cannot be said: {undefined[0].problem}."
    pairs = [(c.first, c.second, c) if (c.difference or 0) > 0 else (c.second, c.first, c) for c in clear]
    named = "; ".join(f"“{higher}” over “{lower}” ({p_value(c.p_adjusted)})" for higher, lower, c in pairs)
    said = f"{_clear(len(clear), len(found))}{f' ({named})' if clear else ''} after Holm’s correction"
    if undefined:
        said += f"; {len(undefined)} cannot be tested, because {undefined[0].problem}"
    return f"{start}; {said}."


def plain_pairwise(
    found: Sequence[Contrast], ordered: Sequence[str], means: dict[str, str], wording: Wording, alpha: float
) -> str:
    """All of several pairs for a layperson: the highest, the lowest, and whether that is sure."""
    top, bottom = ordered[0], ordered[-1]
    start = f"People {wording.most} with “{top}” ({means[top]}) and {wording.least} with “{bottom}” ({means[bottom]})"
    if top == bottom:
        start = f"Only “{top}” has answers ({means[top]})"
    elif means[top] == means[bottom]:
        start = f"All conditions come out alike ({means[top]})"
    if all(contrast.is_unvaried for contrast in found):
        return f"{start}; {ALIKE}."
    if all(contrast.test is None for contrast in found):
        return f"{start}; whether conditions differ cannot be said."
    return f"{start}; {_clear(sum(contrast.is_significant(alpha) for contrast in found), len(found))}."


def _clear(clear: int, pairs: int) -> str:
    if not clear:
        return f"none of the {pairs} differences between two of them is clear"
    if clear == pairs:
        return f"all {pairs} differences between two of them are clear"
    return f"{clear} of the {pairs} differences between two of them {'is' if clear == 1 else 'are'} clear"


def _listed(found: Sequence[Contrast], means: dict[str, str]) -> str:
    names = [f"“{contrast.first}” ({means[contrast.first]})" for contrast in found]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
