"""Several studies' primary effects as one: read from their results.json, pooled, drawn as a forest."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from scipy import stats

from study import figures
from study.analysis._axes import differences
from study.statistics.crossed_means import UndefinedError
from study.statistics.pooling import Pooled, pool
from study.statistics.rounding import p_value, percent, rounded
from study.tables import lines

SHARE = "share of right answers"
COLUMNS = ("study", "comparison", "estimate", "standard_error", "low", "high", "weight", "unit", "design")


class PoolingRefusedError(ValueError):
    """These studies cannot be pooled; the message says why and what could be."""


@dataclass(frozen=True)
class Study:
    """One study's effect, as its results.json holds it."""

    name: str
    term: str
    estimate: float
    standard_error: float
    df: float
    unit: str
    design: str
    participants: int
    is_simulated: bool

    @property
    def interval(self) -> tuple[float, float]:
        half = float(stats.t.isf(0.025, self.df)) * self.standard_error
        most = _most(self.unit)
        return max(self.estimate - half, -most), min(self.estimate + half, most)


def read(path: Path, term: str = "") -> Study:
    """The effect of a results.json: its first primary comparison, or the one named “a − b”."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        effects = found["effects"]
        if found.get("are_conditions_coded"):
            raise PoolingRefusedError(
                f"{path} has coded conditions, so that nobody can tell what it compares: write its report again when "
                "its blinding is lifted."
            )
        if not effects:
            raise PoolingRefusedError(f"{path} has no comparison with a test, so there is nothing to pool.")
        chosen = next((one for one in effects if term in ("", one["term"])), None)
        if chosen is None:
            known = ", ".join(f"“{one['term']}”" for one in effects)
            raise PoolingRefusedError(f"{path} has no comparison “{term}”; it has: {known}.")
        return Study(
            name=f"{found['study']} v{found.get('version', 1)}",
            is_simulated=bool(found["simulated"]),
            **{key: chosen[key] for key in Study.__annotations__ if key not in ("name", "is_simulated")},
        )
    except PoolingRefusedError:
        raise
    except OSError as error:
        raise PoolingRefusedError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PoolingRefusedError(f"{path} is no results.json of a report with effects: {error!r}.") from error


def pooled(studies: Sequence[Study]) -> Pooled:
    """Random effects over the studies. Raises PoolingRefusedError where they are of different kinds."""
    if len(studies) < 2:
        raise PoolingRefusedError("Pooling takes at least two studies; name two or more results.json.")
    names = [study.name for study in studies]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise PoolingRefusedError(f"{', '.join(twice)} is there twice: a study counts once.")
    for what in ("unit", "design"):
        kinds = {getattr(study, what): study.name for study in reversed(studies)}
        if len(kinds) > 1:
            listed = "; ".join(f"{name}: {kind}" for kind, name in kinds.items())
            raise PoolingRefusedError(
                f"The studies differ in {what} ({listed}): their effects are not the same quantity. Pool those alike."
            )
    if len({study.is_simulated for study in studies}) > 1:
        raise PoolingRefusedError("Simulated participants and people are never pooled.")
    try:
        found = pool([study.estimate for study in studies], [study.standard_error for study in studies])
    except UndefinedError as error:
        raise PoolingRefusedError(str(error)) from error
    # With few studies t is so wide that limits lie where no difference can be; they are cut off there.
    most = _most(studies[0].unit)
    return replace(
        found,
        low=max(found.low, -most),
        high=min(found.high, most),
        predicted_low=max(found.predicted_low, -most),
        predicted_high=min(found.predicted_high, most),
    )


def sentence(studies: Sequence[Study], found: Pooled) -> str:
    """What they say together, chosen from the intervals."""
    number, unit = _number(studies[0].unit), _unit(studies[0].unit)
    within = f"[{number(found.low)}, {number(found.high)}]"
    ahead = f"[{number(found.predicted_low)}, {number(found.predicted_high)}]"
    if found.low > 0 or found.high < 0:
        said = f"Over {found.studies} studies the difference is clear: {number(found.estimate)} {unit}"
    else:
        said = f"Over {found.studies} studies there is no clear difference: {number(found.estimate)} {unit}"
    said += f", {found.interval} interval {within}, {p_value(found.p)}."
    if found.predicted_low > 0 or found.predicted_high < 0:
        said += f" A new study is expected to find the same sign: {found.prediction} interval {ahead}."
    else:
        said += f" A new study could find either sign: {found.prediction} interval {ahead}."
    said += (
        f" Between studies the SD is {number(found.tau_squared**0.5)} {unit}, I² = {percent(found.i_squared, 0)} % "
        f"(Q = {rounded(found.q, 2)}, df = {found.q_df}, {p_value(found.q_p)})."
    )
    limits = (found.low, found.high, found.predicted_low, found.predicted_high)
    if any(abs(limit) == _most(studies[0].unit) for limit in limits):
        said += f" Limits are cut off at ±{number(_most(studies[0].unit))}, beyond which no difference can lie."
    terms = list(dict.fromkeys(study.term for study in studies))
    if len(terms) == 1:
        said += f" Compared were “{terms[0]}”."
    else:
        listed = "; ".join(f"“{study.term}” in {study.name}" for study in studies)
        said += f" Compared were {listed}: whether that is one question the numbers do not say."
    return f"SIMULATED, nothing here is about people. {said}" if studies[0].is_simulated else said


def forest(studies: Sequence[Study], found: Pooled) -> str:
    """SVG: every study with its interval, the pooled effect, and where a new study's is expected."""
    rows = [
        figures.Row(
            study.name,
            [],
            [],
            study.estimate,
            *study.interval,
            reference=0.0,
            note=f"{study.participants} participants, weight {percent(weight, 0)} %",
        )
        for study, weight in zip(studies, found.weights, strict=True)
    ]
    rows.append(figures.Row("All studies", [], [], found.estimate, found.low, found.high, reference=0.0))
    rows.append(
        figures.Row(
            "A new study’s true effect",
            [],
            [],
            found.estimate,
            found.predicted_low,
            found.predicted_high,
            reference=0.0,
        )
    )
    unit = studies[0].unit
    show = (lambda value: percent(value, 0)) if SHARE in unit else None
    return figures.points_and_means(
        rows,
        differences(rows, f"difference in {_unit(unit)}", show),
        title="Effects of the studies and of all together",
        interval=f"95 % t of a study; all: {found.interval}; new: {found.prediction}",
        reference="no difference",
        watermark="simulated participants" if studies[0].is_simulated else "",
        statistic="difference",
    )


def write(studies: Sequence[Study], found: Pooled, folder: Path) -> list[Path]:
    """Write pooled.json, pooled.csv and pooled.svg into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"pooled.{ending}" for ending in ("json", "csv", "svg")]
    record = {
        "simulated": studies[0].is_simulated,
        "studies": [asdict(study) for study in studies],
        "pooled": {**asdict(found), "weights": [float(weight) for weight in found.weights]},
        "sentence": sentence(studies, found),
    }
    paths[0].write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    with paths[1].open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines(COLUMNS, _rows(studies, found)))
    paths[2].write_text(forest(studies, found) + "\n", encoding="utf-8")
    return paths


def _rows(studies: Sequence[Study], found: Pooled) -> Iterator[tuple[Any, ...]]:
    for study, weight in zip(studies, found.weights, strict=True):
        yield (
            study.name, study.term, study.estimate, study.standard_error, *study.interval, float(weight), study.unit,
            study.design,
        )  # fmt: skip
    kind: Mapping[str, str] = {"unit": studies[0].unit, "design": studies[0].design}
    yield ("all studies", "", found.estimate, found.se, found.low, found.high, 1.0, kind["unit"], kind["design"])


def _unit(unit: str) -> str:
    return "percentage points" if SHARE in unit else "points of the scale"


def _most(unit: str) -> float:
    """The largest difference that the unit allows."""
    if SHARE in unit:
        return 1.0
    ends = re.search(r"scale from (\S+) to (\S+)", unit)
    return float(ends[2]) - float(ends[1]) if ends else math.inf


def _number(unit: str) -> Any:
    return (lambda value: percent(value, 1)) if SHARE in unit else (lambda value: rounded(value, 2))
