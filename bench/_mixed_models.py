"""CPU time and memory of the mixed models beside R's and statsmodels' on the same data in the same run.

``python -m bench._mixed_models`` is half of ``make bench-peers``; with a family and a size it fits once, in a process.
"""

import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence

import pandas as pd

from bench import _memory

ROOT = pathlib.Path(__file__).parents[1]
REFERENCE = ROOT / "fixtures" / "reference"
sys.path.insert(0, str(REFERENCE))

MODELS = {"binary": "correct", "ordinal": "rating", "gaussian": "logrt"}
SIZES = {"small": 12_000, "large": 200_000}  # rows
RIGHT = "~ condition + (1 | participant) + (1 | item)"
PEERS = {"binary": "glmer", "ordinal": "clmm", "gaussian": "lmer"}
TOO_SLOW = {("clmm", "large")}  # over ten minutes
PACKAGES = "r-base-core r-cran-lme4 r-cran-ordinal"


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
    memory = _memory.peak()
    print(json.dumps({"seconds": statistics.median(seconds), "megabytes": memory}))


def peer_once(package: str, path: pathlib.Path) -> float | None:
    """CPU seconds of R's fit in this run, or nothing where R or the package is missing."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    script = pathlib.Path(__file__).with_name("_mixed_models.R")
    done = subprocess.run([program, str(script), package, str(path)], capture_output=True, text=True)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def compare(beside: Collection[str] = tuple(SIZES)) -> None:
    """Ours at both sizes, and R's in this run at the sizes in ``beside``."""
    recorded = json.loads((REFERENCE / "mixed_models.json").read_text())["cpu_seconds"]
    print("Mixed models, condition + random intercepts of participants and items; CPU seconds of one thread")
    print(f"{'model':10}{'rows':>9}{'ours':>9}{'memory':>9}{'R here':>10}{'ratio':>8}{'R recorded':>13}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for size, rows in SIZES.items():
            path = pathlib.Path(folder) / f"{size}.csv"
            answers(size).to_csv(path, index=False)
            for family, package in PEERS.items():
                ours = in_own_process(family, size)
                here = None if size not in beside or (package, size) in TOO_SLOW else peer_once(package, path)
                known = recorded.get(package if size == "small" else f"{package}_large")
                cells = [
                    f"{family:10}{rows:9,}{ours['seconds']:9.3f}{ours['megabytes']:6.0f} MB",
                    f"{here:10.2f}{ours['seconds'] / here:7.3f}x" if here else f"{'-':>10}{'-':>8}",
                    f"{known:13.2f}{ours['seconds'] / known:7.3f}x" if known else f"{'-':>13}{'-':>8}",
                ]
                print("".join(cells), flush=True)
    if shutil.which("Rscript") is None:
        print(f"R is not installed here; for its times in the same run: apt-get install {PACKAGES} (make bench-peers).")


def compare_with_statsmodels() -> None:
    """Its crossed mixed models at 12,000 rows; more rows, or ordinal ones, it does not fit in reasonable time."""
    from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM
    from statsmodels.regression.mixed_linear_model import MixedLM

    frame = answers("small").assign(everything=1)
    crossed = {"participant": "0 + C(participant)", "item": "0 + C(item)"}
    models = {
        "gaussian": ("MixedLM", MixedLM.from_formula(
            "logrt ~ condition", groups="everything", re_formula="0", vc_formula=crossed, data=frame).fit),
        "binary": ("BinomialBayesMixedGLM.fit_vb", BinomialBayesMixedGLM.from_formula(
            "correct ~ condition", crossed, frame).fit_vb),
    }  # fmt: skip
    print(
        "\nstatsmodels on the same 12,000 rows; CPU seconds (fit_vb is an approximation with standard errors too small)"
    )
    for family, (name, fit) in models.items():
        start = time.process_time()
        fit()
        seconds, ours = time.process_time() - start, in_own_process(family, "small")["seconds"]
        print(f"{family:10}{name:30}{seconds:10.2f}   ours{ours:8.3f}{ours / seconds:8.3f}x", flush=True)


def in_own_process(family: str, size: str) -> dict[str, float]:
    """CPU seconds of our fit, and megabytes at most."""
    command = [sys.executable, "-m", "bench._mixed_models", family, size]
    found: dict[str, float] = json.loads(
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    )
    return found


def main(arguments: Sequence[str]) -> None:
    if arguments and not (len(arguments) == 2 and arguments[0] in MODELS and arguments[1] in SIZES):
        sys.exit(
            f"“{' '.join(arguments)}” is nothing to measure: give nothing, or a family ({', '.join(MODELS)}) and a "
            f"size ({', '.join(SIZES)})."
        )
    from study.statistics.mixed_models.fitting import single_threaded

    with single_threaded():
        if arguments:
            fit_once(*arguments)
        else:
            compare()
            compare_with_statsmodels()


if __name__ == "__main__":
    main(sys.argv[1:])
