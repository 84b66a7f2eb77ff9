"""The comparisons of several analyses as one family, as it was declared: Holm 1979 over all of them."""

from collections.abc import Sequence

import pandas as pd

from study.analysis import Answers, Finding, Test
from study.analysis._by_condition import pairs_to_compare
from study.preregistration import declared
from study.statistics.multiplicity import holm
from study.statistics.rounding import p_value


def family(everything: Answers, findings: Sequence[Finding]) -> list[Finding]:
    """One finding where a family of analyses was declared: every test that its own analysis corrects, once more."""
    names = declared(everything.plan.get("document") or everything.document)["family"]
    gates = {name: _gates(everything, name) for name in names}
    tests = [
        (finding, test)
        for finding in findings
        if finding.analysis in names
        for test in finding.tests
        if test.p_adjusted is not None and test.name.partition(": ")[0] not in gates[finding.analysis]
    ]
    if len(names) < 2 or len(tests) < 2:
        return []
    adjusted = holm([test.p for _, test in tests])
    alpha = float(everything.document.get("analysis", {}).get("alpha", 0.05))
    clear = sum(p < alpha for p in adjusted)
    shown = [p_value(p).removeprefix("p = ").removeprefix("p ") for p in adjusted]
    return [
        Finding(
            analysis="family",
            title="All planned comparisons as one family",
            estimates=(),
            tests=tuple(
                Test(f"{finding.analysis}: {test.name}", test.statistic, test.df, test.p, test.unit, p)
                for (finding, test), p in zip(tests, adjusted, strict=True)
            ),
            sentence=(
                f"Corrected together, {'all' if clear == len(tests) else f'{clear} of the'} {len(tests)} comparisons "
                f"of {len(names)} analyses {'is' if clear == 1 else 'are'} clear."
            ),
            table=pd.DataFrame(
                {
                    "analysis": [finding.title for finding, _ in tests],
                    "comparison": [test.name for _, test in tests],
                    "p": [p_value(test.p).removeprefix("p = ").removeprefix("p ") for _, test in tests],
                    "p (Holm, all)": shown,
                }
            ),
            method=(
                f"p values of the family ({', '.join(names)}) were also corrected together by Holm’s method"
                + ("; those of positive controls are not in it." if any(gates.values()) else ".")
            ),
        )
    ]


def _gates(everything: Answers, analysis: str) -> list[str]:
    """The tests of an analysis that hold a positive control against its control: its gate, and in no family."""
    blocks = everything.document.get("analysis", {}).get("analyses", [])
    given = [one.get("parameters") or {} for one in blocks if one["name"] == analysis]
    _, control = pairs_to_compare(everything.presented, given[0].get("control", "") if given else "")
    positive = [one.name for one in everything.presented if one.role == "positive_control"]
    return [f"{name} − {control}" for name in positive] if control else []
