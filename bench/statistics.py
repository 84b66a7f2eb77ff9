"""Statistics: CPU time and memory of the mixed models beside R's, resampling, and how often tests err.

R's packages are an oracle and a peer, never needed: ``apt-get install r-base-core r-cran-lme4 r-cran-ordinal``.
"""

import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

ROOT = pathlib.Path(__file__).parents[1]
REFERENCE = ROOT / "fixtures" / "reference"
sys.path.insert(0, str(REFERENCE))

MODELS = {"binary": "correct", "ordinal": "rating", "gaussian": "logrt"}
RIGHT = "~ condition + (1 | participant) + (1 | item)"
PEERS = {"binary": "glmer", "ordinal": "clmm", "gaussian": "lmer"}
TOO_SLOW = {("clmm", "large")}  # over ten minutes
STUDIES = 400


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def answers(size: str) -> pd.DataFrame:
    from crossed_answers import LARGE, SMALL, crossed_answers

    return crossed_answers(**(LARGE if size == "large" else SMALL))


def fit_once(family: str, size: str) -> None:
    """In a process of its own: print CPU seconds of the fit and the peak memory of everything."""
    from study.statistics.mixed_models import fit

    frame = answers(size)
    fit(f"{MODELS[family]} {RIGHT}", frame[frame.participant < 20], family=family)  # imports, caches
    seconds = []
    for _ in range(5 if size == "small" else 1):
        start = time.process_time()
        fit(f"{MODELS[family]} {RIGHT}", frame, family=family)
        seconds.append(time.process_time() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(json.dumps({"seconds": statistics.median(seconds), "megabytes": memory}))


def peer_once(package: str, path: pathlib.Path) -> float | None:
    """CPU seconds of R's fit in this run, or nothing where R or the package is missing."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    script = pathlib.Path(__file__).with_name("statistics_peer.R")
    done = subprocess.run([program, str(script), package, str(path)], capture_output=True, text=True)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def mixed_models() -> None:
    recorded = json.loads((REFERENCE / "mixed_models.json").read_text())["cpu_seconds"]
    say("Mixed models, condition + random intercepts of participants and items; CPU seconds of one thread")
    say(f"{'model':10}{'rows':>9}{'ours':>9}{'memory':>9}{'R here':>10}{'ratio':>8}{'R recorded':>13}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for size, rows in (("small", 12_000), ("large", 200_000)):
            path = pathlib.Path(folder) / f"{size}.csv"
            answers(size).to_csv(path, index=False)
            for family, package in PEERS.items():
                command = [sys.executable, "-m", "bench.statistics", family, size]
                ours = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                here = None if (package, size) in TOO_SLOW else peer_once(package, path)
                known = recorded.get(package if size == "small" else f"{package}_large")
                cells = [
                    f"{family:10}{rows:9,}{ours['seconds']:9.3f}{ours['megabytes']:6.0f} MB",
                    f"{here:10.2f}{ours['seconds'] / here:7.3f}x" if here else f"{'-':>10}{'-':>8}",
                    f"{known:13.2f}{ours['seconds'] / known:7.3f}x" if known else f"{'-':>13}{'-':>8}",
                ]
                say("".join(cells))
    if shutil.which("Rscript") is None:
        say("R is not installed here; for its times in the same run: r-base-core r-cran-lme4 r-cran-ordinal (Debian).")


def timed(label: str, action: Callable[[], object], repeats: int = 5) -> None:
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        seconds.append(time.process_time() - start)
    say(f"{label:78}{statistics.median(seconds):8.3f} s")


def resampling() -> None:
    from study.statistics.agreement import krippendorff_alpha
    from study.statistics.bootstrap import two_way_bootstrap
    from study.statistics.preferences import fit_preferences

    rng = np.random.default_rng(1)
    ratings = np.clip(np.round(rng.normal(4, 1, 100) + rng.normal(0, 1, (40, 100))), 1, 7)
    ratings[rng.random(ratings.shape) < 0.3] = np.nan
    say("\nResampling, CPU seconds")
    for measurement in ("nominal", "ordinal", "interval", "ratio"):
        timed(
            f"Krippendorff's alpha ({measurement}), 40 raters x 100 items, 2,000 replicates",
            lambda m=measurement: krippendorff_alpha(ratings, m, replicates=2000),
        )
    frame = answers("small")
    y, p, i = frame["correct"].to_numpy(float), frame["participant"], frame["item"]
    timed(
        "two-way bootstrap of a mean, 12,000 rows, 2,000 replicates",
        lambda: two_way_bootstrap(lambda w: w @ y / w.sum(), p, i, replicates=2000),
    )
    ties = pd.read_csv(REFERENCE / "preferences_ties.csv").astype({"i": str, "j": str})
    timed("Davidson's preferences, 3,000 comparisons", lambda: fit_preferences(ties["i"], ties["j"], ties["y"]))


def error_rates() -> None:
    """How often each test rejects although nothing is there, at nominal .05."""
    from scipy import stats

    from study.statistics.crossed_means import crossed_mean
    from study.statistics.mixed_models import fit

    rng = np.random.default_rng(2)
    say(
        f"\nFalse positives at nominal .05 (± {1.96 * (0.05 * 0.95 / STUDIES) ** 0.5:.3f}), {STUDIES} simulated studies"
    )
    say("mean against chance, one-sided, SD .8 over participants and items")
    say(f"{'participants x items':24}{'binomial':>10}{'t participants':>16}{'t items':>10}{'two-way t':>11}")
    for people, items in ((30, 20), (200, 60)):
        counts = np.zeros(4)
        for _ in range(STUDIES):
            eta = rng.normal(0, 0.8, (people, 1)) + rng.normal(0, 0.8, items)
            y = (rng.random((people, items)) < 1 / (1 + np.exp(-eta))).astype(float)
            p, i = np.repeat(np.arange(people), items), np.tile(np.arange(items), people)
            counts += [
                stats.binom.sf(y.sum() - 1, y.size, 0.5) < 0.05,
                stats.ttest_1samp(y.mean(axis=1), 0.5, alternative="greater").pvalue < 0.05,
                stats.ttest_1samp(y.mean(axis=0), 0.5, alternative="greater").pvalue < 0.05,
                crossed_mean(y.ravel(), p, i).chance_test(0.5).p < 0.05,
            ]
        cells = counts / STUDIES
        say(f"{f'{people} x {items}':24}{cells[0]:10.3f}{cells[1]:16.3f}{cells[2]:10.3f}{cells[3]:11.3f}")
    say("condition in a binary mixed model, two-sided: by z, by t over the unit that varies, and restricted")
    say(f"{'condition varies over':24}{'participants x items':>22}{'z':>8}{'t':>8}{'t, REML':>10}")
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
        for _ in range(STUDIES):
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
        say(f"{varies:24}{f'{people} x {items}':>22}{z / STUDIES:8.3f}{t / STUDIES:8.3f}{restricted / STUDIES:10.3f}")


def main() -> None:
    from study.statistics.mixed_models.fitting import single_threaded

    if len(sys.argv) == 3:
        fit_once(sys.argv[1], sys.argv[2])
        return
    with single_threaded():
        mixed_models()
        resampling()
        error_rates()


if __name__ == "__main__":
    main()
