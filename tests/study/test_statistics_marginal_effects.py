"""Marginal effects against large simulations from the fitted model and against derivatives by differences."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from study.statistics.marginal_effects import marginal_differences, marginal_means
from study.statistics.mixed_models import ModelError, fit
from study.statistics.mixed_models.model import MixedModel
from study.statistics.mixed_models.parametric_bootstrap import simulate


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    participants, items = 40, 24
    frame = pd.DataFrame(
        {"participant": np.repeat(np.arange(participants), items), "item": np.tile(np.arange(items), participants)}
    )
    frame["condition"] = np.where(rng.random(len(frame)) < 0.4, "map", "blind")
    frame["saliency"] = rng.normal(size=len(frame))
    person, slope = rng.normal(0, 1.2, participants), rng.normal(0, 0.8, participants)
    eta = 1 + (0.8 + slope[frame.participant]) * (frame.condition == "map") + 0.4 * frame.saliency
    eta = np.asarray(eta + person[frame.participant] + rng.normal(0, 0.9, items)[frame.item])
    frame["correct"] = (rng.random(len(frame)) < 1 / (1 + np.exp(-eta))).astype(int)
    frame["rating"] = 1 + ((eta + rng.logistic(size=len(frame)))[:, None] > [-1, 0.5, 2, 3]).sum(axis=1)
    frame["logrt"] = 6 + 0.1 * eta + rng.normal(0, 0.3, len(frame))
    return frame


RIGHT = "~ condition + saliency + (1 + condition | participant) + (1 | item)"


def simulated_mean(model: MixedModel, frame: pd.DataFrame, value: str) -> float:
    """The mean response when everybody, on rows like these, is in one condition."""
    moved = frame.assign(condition=pd.Categorical([value] * len(frame), ["blind", "map"]))
    X = np.column_stack([np.ones(len(frame)), moved.condition == "map", moved.saliency])
    if model.family == "ordinal":
        X = X[:, 1:]
    factors = tuple(
        replace(
            factor,
            codes=moved[factor.name].to_numpy(),
            Z=np.column_stack([np.ones(len(frame)), moved.condition == "map"])[:, : len(factor.effects)].astype(float),
        )
        for factor in model.design.factors
    )
    at = replace(model, design=replace(model.design, X=X.astype(float), factors=factors))
    rng = np.random.default_rng(0)
    draws = np.array([simulate(at, rng).mean() for _ in range(600)])
    return float(draws.mean())


@pytest.mark.parametrize(("response", "family"), [("correct", "binary"), ("rating", "ordinal")])
def test_marginal_means_equal_the_mean_of_large_simulations(response, family, frame):
    model = fit(f"{response} {RIGHT}", frame, family=family)
    for mean in marginal_means(model, "condition"):
        expected = simulated_mean(model, frame, mean.at["condition"]) + (family == "ordinal")
        assert mean.estimate == pytest.approx(expected, abs=0.015 if family == "binary" else 0.04)


@pytest.mark.parametrize(("response", "family"), [("correct", "binary"), ("rating", "ordinal"), ("logrt", "gaussian")])
def test_gradients_of_marginal_means_equal_differences(response, family, frame):
    model = fit(f"{response} {RIGHT}", frame, family=family)
    gradient = marginal_means(model, "condition")[1].gradient
    split = len(model.parameters) - len(model.beta)
    numerical = []
    for i in range(len(model.parameters)):
        values = []
        for step in (1e-5, -1e-5):
            psi = model.parameters.copy()
            psi[i] += step
            thresholds = psi[model.design.theta_size : split]
            moved = replace(model, parameters=psi, beta=psi[split:], thresholds=thresholds)
            values.append(marginal_means(moved, "condition")[1].estimate)
        numerical.append((values[0] - values[1]) / 2e-5)
    np.testing.assert_allclose(gradient, numerical, atol=1e-8)


def test_a_difference_is_that_of_the_means_with_the_df_of_the_participants_slope(frame):
    model = fit(f"correct {RIGHT}", frame)
    blind, shown = marginal_means(model, "condition")
    (gap,) = marginal_differences(model, "condition")
    assert (gap.first, gap.second) == ({"condition": "map"}, {"condition": "blind"})
    assert gap.estimate == pytest.approx(shown.estimate - blind.estimate)
    assert gap.low < gap.estimate < gap.high
    assert gap.df == 23  # the intercept enters, and there are 24 items
    assert 0 < shown.low < shown.estimate < shown.high < 1
    assert shown.interval == "95 % t on the log-odds scale, delta method, 23 df"


def test_marginal_difference_of_a_linear_model_is_its_coefficient(frame):
    model = fit(f"logrt {RIGHT}", frame, family="gaussian")
    (gap,) = marginal_differences(model, "condition")
    coefficient = model.contrast({"condition[T.map]": 1})
    assert (gap.estimate, gap.se, gap.df, gap.p) == pytest.approx(
        (coefficient.estimate, coefficient.se, coefficient.df, coefficient.p)
    )


def test_a_continuous_variable_is_set_to_the_values_asked_for(frame):
    model = fit("correct ~ saliency + (1 | participant) + (1 | item)", frame)
    low, high = marginal_means(model, "saliency", [-1.0, 1.0])
    assert low.estimate < high.estimate


def test_the_average_differs_from_the_median_person(frame):
    model = fit("correct ~ 1 + (1 | participant) + (1 | item)", frame.assign(all=1))
    (mean,) = marginal_means(model, "all")
    median = 1 / (1 + np.exp(-model.beta[0]))
    assert abs(mean.estimate - frame.correct.mean()) < 0.01
    assert median - mean.estimate > 0.03


def test_unknown_columns_values_and_unnumbered_categories_are_refused_in_sentences(frame):
    model = fit(f"correct {RIGHT}", frame)
    with pytest.raises(ModelError, match="no column 'colour'"):
        marginal_means(model, "colour")
    with pytest.raises(ModelError, match="condition has no value 'goose'"):
        marginal_means(model, "condition", ["goose"])
    words = pd.Categorical.from_codes(frame.rating - 1, ["a", "b", "c", "d", "e"], ordered=True)
    named = fit("word ~ condition + (1 | participant)", frame.assign(word=words), family="ordinal")
    with pytest.raises(ModelError, match="not numbers: they have no mean"):
        marginal_means(named, "condition")


def test_the_mean_rating_of_the_reference_category_has_an_interval():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        [
            {"participant": p, "item": i, "condition": "ab"[p % 2], "rating": int(rng.integers(1, 6)) + p % 2}
            for p in range(20)
            for i in range(8)
        ]
    )
    model = fit("rating ~ condition + (1 | participant) + (1 | item)", frame, family="ordinal")
    reference, other = marginal_means(model, "condition")
    assert reference.low < reference.estimate < reference.high
    assert other.estimate - reference.estimate == pytest.approx(1, abs=0.5)
