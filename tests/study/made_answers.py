"""Answers made up for tests: participants crossed with items, with a probability for each condition."""

import numpy as np
import pandas as pd

from study.analysis import Answers


def made(
    probabilities,
    *,
    roles=None,
    participants=24,
    items=12,
    within=False,
    value="correct",
    chance=0.25,
    origin="person",
    seed=0,
    spread=0.4,
):
    """Everybody answers every item; ``participants`` in each condition, or in all of them where ``within``."""
    rng = np.random.default_rng(seed)
    ease = spread * rng.normal(size=items)
    records = []
    for place, (name, probability) in enumerate(probabilities.items()):
        for index in range(participants):
            person = index if within else place * participants + index
            skill = spread * rng.normal()
            for item in range(items):
                logit = np.log(probability / (1 - probability)) if 0 < probability < 1 else np.inf * (probability - 0.5)
                right = rng.random() < 1 / (1 + np.exp(-(logit + skill + ease[item])))
                rating = float(np.clip(np.round(1 + 6 * probability + skill + ease[item]), 1, 7))
                records.append(
                    {
                        "participant": f"p{person:03d}",
                        "item": f"item {item}",
                        "condition": name,
                        "arm": "all" if within else name,
                        "task": "which" if value == "correct" else "sense",
                        "trial_type": "identify_class" if value == "correct" else "rate",
                        "phase": "main",
                        "correct": bool(right) if value == "correct" else None,
                        "rating": rating if value == "rating" else None,
                        "chance": chance if value == "correct" else None,
                        "scale_low": 1.0 if value == "rating" else None,
                        "scale_high": 7.0 if value == "rating" else None,
                        "origin": origin,
                    }
                )
    columns = ["participant", "item", "condition", "arm", "task", "trial_type", "phase", "correct", "rating", "chance",
               "scale_low", "scale_high", "origin"]  # fmt: skip
    responses = pd.DataFrame(records, columns=columns)
    people = responses.drop_duplicates("participant")[["participant", "arm", "origin"]]
    roles = roles or {}
    document = {
        "conditions": [
            {"name": name, "label": {"en": name.replace("_", " ")}, "role": roles.get(name, "treatment")}
            for name in probabilities
        ]
    }
    return Answers(responses, people, pd.DataFrame({"item": [f"item {k}" for k in range(items)]}), document)


CONTROLLED = {"blind": "blind_control", "photo": "positive_control"}
