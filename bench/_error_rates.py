"""How often tests reject although nothing is there, and how often 95 % intervals miss the truth.

``python -m bench._error_rates 2000`` simulates that many studies a row.
"""

import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd

STUDIES, MODELLED_STUDIES = 400, 100


def of_means(studies: int = STUDIES) -> None:
    """Of means and their differences: the two-way t test beside the naive ones."""
    from tests.study import error_rate_settings as settings

    off = 1.96 * (0.05 * 0.95 / studies) ** 0.5
    print(f"\nErrors of the two-way t test, {studies} simulated studies a row; nominal .05 one-sided (± {off:.3f}) and")
    print(".025 for intervals below and above the truth; naive tests of the same data at nominal .05")
    print(f"{'':74}{'two-way t':^14}{'interval':^14}{'naive: by':^24}")
    heads = ("lower", "upper", "below", "above", "trials", "people", "items")
    print(f"{'people x items, what the condition varies over':74}{''.join(f'{head:>7}' for head in heads)}")
    for seed, setting in enumerate((*settings.means(), *settings.differences())):
        found = setting.rates(seed, studies)
        shares = (found.lower, found.upper, found.below, found.above, *found.naive)
        print(f"{setting.label:74}{''.join(f'{share:7.3f}' for share in shares)}", flush=True)


def of_models(studies: int = MODELLED_STUDIES) -> None:
    """The same for a condition in a binary mixed model: by z, by t over the unit that varies, and restricted."""
    from scipy import stats

    from study.statistics.mixed_models import fit

    rng = np.random.default_rng(2)
    print(f"\nA condition in a binary mixed model, two-sided, {studies} simulated studies a row")
    print(f"{'condition varies over':24}{'participants x items':>22}{'z':>8}{'t':>8}{'REML t':>8}")
    for varies, people, items in (
        ("items", 60, 8),
        ("items", 60, 16),
        ("participants", 12, 30),
        ("both, with slopes", 24, 16),
    ):
        has_slopes = varies == "both, with slopes"
        effects = "1 + c" if has_slopes else "1"
        p, i = np.repeat(np.arange(people), items), np.tile(np.arange(items), people)
        c = {"items": i % 2, "participants": p % 2}.get(varies, (p + i) % 2)
        z = t = restricted = 0
        for _ in range(studies):
            eta = rng.normal(0, 0.8, people)[p] + rng.normal(0, 0.8, items)[i]
            if has_slopes:
                eta = eta + c * (rng.normal(0, 0.6, people)[p] + rng.normal(0, 0.6, items)[i])
            frame = pd.DataFrame({"participant": p, "item": i, "c": c})
            frame["y"] = (rng.random(len(frame)) < 1 / (1 + np.exp(-eta))).astype(int)
            formula = f"y ~ c + ({effects} | participant) + ({effects} | item)"
            row = fit(formula, frame).contrast({"c": 1})
            restricted += fit(formula, frame, reml=True).contrast({"c": 1}).p < 0.05
            z += 2 * stats.norm.sf(abs(row.t)) < 0.05
            t += row.p < 0.05
        shares = "".join(f"{count / studies:8.3f}" for count in (z, t, restricted))
        print(f"{varies:24}{f'{people} x {items}':>22}{shares}", flush=True)


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1 or not all(one.isdecimal() and int(one) for one in arguments):
        sys.exit(f"“{' '.join(arguments)}” is no number of studies: give one, such as 2000, or nothing for {STUDIES}.")
    of_means(*map(int, arguments))


if __name__ == "__main__":
    main(sys.argv[1:])
