"""Statistics: mixed models beside R's, resampling, the report on a large study, and how often tests err.

R's packages are an oracle and a peer, never needed; ``make bench-peers`` installs and measures them.
"""

import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from bench import _error_rates, _mixed_models, _power
from bench._mixed_models import REFERENCE, ROOT, answers

MAPPING = """
[columns]
participant = "participant"
item = "item"
condition = "condition"
correct = "correct"
response_ms = "response_ms"
[report]
paired = true
control = "0"
chance = 0.5
analyses = ["accuracy_by_condition", "response_times", "by_item_and_class"]
"""


def timed(label: str, action: Callable[[], object], repeats: int = 5) -> None:
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        seconds.append(time.process_time() - start)
    print(f"{label:78}{statistics.median(seconds):8.3f} s")


def resampling() -> None:
    from study.statistics.agreement import krippendorff_alpha
    from study.statistics.bootstrap import two_way_bootstrap
    from study.statistics.preferences import fit_preferences

    rng = np.random.default_rng(1)
    ratings = np.clip(np.round(rng.normal(4, 1, 100) + rng.normal(0, 1, (40, 100))), 1, 7)
    ratings[rng.random(ratings.shape) < 0.3] = np.nan
    print("\nResampling, CPU seconds")
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


def report_time() -> None:
    """Import and report of 2,000 participants x 100 trials, in processes of their own: seconds and memory."""
    print("\nReport on 2,000 participants x 100 trials (200,000 answers)")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        frame = answers("large")
        frame.assign(response_ms=np.exp(frame["logrt"]).round(1)).to_csv(folder / "answers.csv", index=False)
        (folder / "map.toml").write_text(MAPPING, encoding="utf-8")
        environment = {**os.environ, "GANDER_VAR": name, "DJANGO_SETTINGS_MODULE": "study.settings"}
        for words in (
            ("migrate", "--verbosity", "0"),
            ("import_responses", f"{name}/answers.csv", "--mapping", f"{name}/map.toml", "--study", "large"),
            ("report", "large", "--out", f"{name}/report"),
        ):
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            command = [sys.executable, "-m", "bench._memory", "manage.py", *words]
            done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
            wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            peak = float(done.stdout.splitlines()[-1])
            print(f"{words[0]:20}{wall:8.1f} s{cpu:10.1f} s CPU{peak:8.0f} MB at most")


def main() -> None:
    from study.statistics.mixed_models.fitting import single_threaded

    with single_threaded():
        _mixed_models.compare(beside=["small"])  # R takes minutes for the large ones: make bench-peers measures them
        resampling()
        _power.simulated()
        report_time()
        _error_rates.of_means()
        _error_rates.of_models()


if __name__ == "__main__":
    main()
