"""What the researchers expected before there were answers, beside what came (DellaVigna, Pope & Vivalt 2019)."""

import pandas as pd

from study.analysis import Answers, Finding
from study.preregistration import declared
from study.statistics.rounding import rounded
from study.supplements.primary import primary


def forecasts(everything: Answers, answers: Answers) -> list[Finding]:
    """One finding where forecasts were declared and their conditions have answers."""
    given = declared(everything.plan.get("document") or everything.document)["forecasts"]
    made = primary(answers)
    if not given or made is None:
        return []
    scale = 100.0 if made.value == "correct" else 1.0
    unit = "%" if made.value == "correct" else "points"
    means = {one.condition: one.interval for one in made.compared.means if one.responses}
    rows, errors = [], []
    for one in given:
        found = means.get(one["condition"])
        label = made.compared.labels.get(one["condition"], one["condition"])
        cells = {"who": one["who"], "condition": label, f"forecast ({unit})": rounded(one["estimate"], 1)}
        if found is None:
            rows.append({**cells, f"mean ({unit})": "no answers", "inside the interval": "–"})
            continue
        mean = found.estimate * scale
        errors.append((abs(mean - one["estimate"]), one["who"], mean - one["estimate"]))
        low, high = ((limit or 0.0) * scale for limit in (found.low, found.high))
        inside = "–" if found.low is None else "yes" if low <= one["estimate"] <= high else "no"
        rows.append({**cells, f"mean ({unit})": rounded(mean, 1), "inside the interval": inside})
    return [
        Finding(
            analysis="forecasts",
            title="What was forecast",
            estimates=(),
            tests=(),
            sentence=_sentence(errors, made.unit),
            table=pd.DataFrame(rows),
            method="Researchers’ forecasts were frozen with the study document, before the first answer.",
        )
    ]


def _sentence(errors: list[tuple[float, str, float]], unit: str) -> str:
    if not errors:
        return "None of the conditions that were forecast has answers."
    mean = sum(error for error, _, _ in errors) / len(errors)
    nearest, who, _ = min(errors)
    too_high = sum(difference < 0 for _, _, difference in errors)
    way = f"{too_high} of {len(errors)} expected more than came" if len(errors) > 1 else (
        "it expected more than came" if too_high else "it expected no more than came"
    )  # fmt: skip
    return (
        f"The forecasts were off by {rounded(mean, 1)} {unit} on average; {way}; the nearest is {who}’s, off by "
        f"{rounded(nearest, 1)} {unit}."
    )
