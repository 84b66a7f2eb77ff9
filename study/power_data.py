"""Answers beside a power analysis: a pilot's that it learns from, and simulated ones as it assumes them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from study.analysis import Answers
from study.analysis._modelled import random_terms
from study.power_plan import Plan, PowerError
from study.statistics.crossed_power import draw
from study.statistics.mixed_models import ModelError, fit
from study.statistics.mixed_models.model import Family


def example(plan: Plan, document: Mapping[str, Any], participants: int, items: int) -> Answers:
    """The answers of one simulated study, marked as such, for trying the primary analysis before there are any."""
    rng = np.random.default_rng([plan.seed, participants, items, 1])
    layout = plan.layout(participants, items)
    drawn, _ = draw(layout, plan.population(), 1, rng)
    low, high = plan.bounds
    rows = []
    for arm, given in zip(layout.arms, drawn, strict=True):
        for place, person in enumerate(arm.people):
            for k, item in enumerate(arm.items):
                answer = given[0, place, k]
                is_binary = plan.value == "correct"
                rows.append(
                    {
                        "participant": f"S{person:04d}",
                        "item": f"item {item}",
                        "condition": plan.conditions[arm.conditions[k]],
                        "correct": bool(answer) if is_binary else None,
                        "rating": None if is_binary else float(np.clip(np.round(answer), low, high)),
                    }
                )
    fixed = {"task": plan.task, "phase": "main", "origin": "simulated", "excluded_by": None, "response_ms": None}
    scale = {"chance": plan.guess, "scale_low": low, "scale_high": high}
    responses = pd.DataFrame(rows).assign(**fixed, **scale)
    people = responses[["participant", "origin", "excluded_by"]].drop_duplicates().assign(arm=None)
    analysis = {**document["analysis"]}
    analysis["analyses"] = [one for one in analysis["analyses"] if one["name"] == analysis["primary"]]
    return Answers(responses, people, pd.DataFrame({"item": []}), {**document, "analysis": analysis})


def estimated(answers: Answers, value: str, first: str, second: str) -> tuple[dict[str, float], dict[str, float]]:
    """(means by condition, SDs) of a pilot's, a simulated or an imported study's answers: what a plan may assume."""
    rows = answers.main_rows(value)
    rows = rows.assign(**{value: rows[value].astype(float), "item": rows["item"].fillna("")})
    both = rows[rows["condition"].isin([first, second])]
    if both["condition"].nunique() < 2:
        raise PowerError(f"Its answers are not under both “{first}” and “{second}”, so they give no SDs.")
    both = both.assign(condition=pd.Categorical(both["condition"], categories=[second, first]))
    family: Family = "binary" if value == "correct" else "gaussian"
    terms = random_terms(both, family)
    if not terms:
        raise PowerError("Its answers are of one participant and one item, so they give no SDs.")
    try:
        model = fit(f"{value} ~ condition + {' + '.join(terms)}", both, family=family, reml=True)
    except ModelError as error:
        raise PowerError(f"Its answers give no SDs: {error}") from error
    spread = {} if value == "correct" else {"residual_sd": float(model.sigma)}
    for effects in model.random:
        spread[f"{effects.factor}_sd"] = float(effects.sd[0])
        if len(effects.sd) > 1:
            spread[f"{effects.factor}_slope_sd"] = float(effects.sd[1])
    means = rows.groupby("condition", observed=True)[value].mean()
    return {str(name): float(mean) for name, mean in means.items()}, spread
