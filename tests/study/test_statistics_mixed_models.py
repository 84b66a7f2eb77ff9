"""Mixed models against lme4, ordinal and glmmTMB, a slow dense version, and data that are not well behaved."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from study.statistics.mixed_models import ModelError, fit
from study.statistics.mixed_models import crossing as crossing_module
from study.statistics.mixed_models.design import Design
from study.statistics.mixed_models.formula import design as design_of
from study.statistics.mixed_models.gaussian import Gaussian
from study.statistics.mixed_models.laplace import Laplace
from study.statistics.mixed_models.likelihoods import Binary, Ordinal
from study.statistics.mixed_models.model import MixedModel
from study.statistics.mixed_models.parametric_bootstrap import bootstrap_intervals, likelihood_ratio
from study.statistics.mixed_models.thin_crossing import ThinCross

REFERENCE = Path(__file__).parents[2] / "fixtures" / "reference"
sys.path.insert(0, str(REFERENCE))
from crossed_answers import LARGE, SMALL, crossed_answers  # noqa: E402

INTERCEPTS = "~ condition + (1 | participant) + (1 | item)"
SLOPES = "~ condition + (1 + condition | participant) + (1 | item)"


@pytest.fixture(scope="module")
def values() -> dict:
    return json.loads((REFERENCE / "mixed_models.json").read_text())


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return crossed_answers(**SMALL)


def deviations(model: MixedModel) -> np.ndarray:
    """First deviation of participants, then of items, as the reference has them."""
    by_factor = {effects.factor: effects.sd[0] for effects in model.random}
    return np.array([by_factor["participant"], by_factor["item"]])


def agrees(model: MixedModel, beta: list[float], se: list[float], sd: list[float], log_likelihood: float) -> None:
    assert model.is_converged
    assert not model.notes
    assert np.abs(model.beta - beta).max() < 0.01 * min(se)
    np.testing.assert_allclose(model.se, se, rtol=0.01)
    np.testing.assert_allclose(deviations(model), sd, rtol=0.005)
    assert model.log_likelihood > log_likelihood - 1e-3


def small_answers(seed: int, participants: int = 9, items: int = 7) -> pd.DataFrame:
    """A small unbalanced crossing with a continuous predictor and networks as a third factor."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"participant": np.repeat(np.arange(participants), items)})
    frame["item"] = np.tile(np.arange(items), participants)
    frame = frame.sample(frac=0.85, random_state=seed).reset_index(drop=True)
    frame["network"] = rng.choice(["alexnet", "vgg", "squeezenet"], len(frame))
    frame["condition"] = rng.choice(["blind", "map"], len(frame))
    frame["saliency"] = rng.normal(size=len(frame))
    eta = rng.normal(0, 1, participants)[frame.participant] + rng.normal(0, 0.7, items)[frame.item]
    eta = eta + 0.5 * (frame.condition == "map")
    frame["correct"] = (rng.random(len(frame)) < 1 / (1 + np.exp(-eta))).astype(int)
    frame["rating"] = 1 + (np.asarray(eta + rng.logistic(size=len(frame)))[:, None] > [-1, 0, 1]).sum(axis=1)
    frame["logrt"] = 6 + eta / 4 + rng.normal(0, 0.3, len(frame))
    return frame


def dense_columns(design: Design, theta: np.ndarray) -> np.ndarray:
    """ZΛ with all its zeros."""
    blocks = []
    for factor, triangle in zip(design.factors, design.triangles(theta), strict=True):
        for level in range(len(factor.levels)):
            of_level = factor.codes == level
            blocks.append((factor.Z * of_level[:, None]) @ triangle)
    return np.concatenate(blocks, axis=1)


def dense_laplace(design: Design, psi: np.ndarray, categories: int) -> float:
    """The Laplace objective with dense matrices, a general-purpose minimiser and a plainly written density."""
    k, own = design.theta_size, categories - 1 if categories > 2 else 0
    ZL = dense_columns(design, psi[:k])
    thresholds = psi[k : k + own] if own else np.zeros(1)
    fixed = design.X @ psi[k + own :]
    y = design.y.astype(int)

    def probability(eta: np.ndarray) -> np.ndarray:
        above = 1 / (1 + np.exp(thresholds - eta[:, None]))
        padded = np.concatenate([np.ones((len(eta), 1)), above, np.zeros((len(eta), 1))], axis=1)
        return padded[np.arange(len(eta)), y] - padded[np.arange(len(eta)), y + 1]

    def height(u: np.ndarray) -> float:
        return -np.log(probability(fixed + ZL @ u)).sum() + u @ u / 2

    u = optimize.minimize(height, np.zeros(ZL.shape[1]), method="BFGS", options={"gtol": 1e-7}).x
    eta, step = fixed + ZL @ u, 1e-4
    at = [np.log(probability(eta + shift)) for shift in (-step, 0.0, step)]
    weight = -(at[0] - 2 * at[1] + at[2]) / step**2
    H = ZL.T @ (weight[:, None] * ZL) + np.eye(len(u))
    return height(u) + np.linalg.slogdet(H)[1] / 2


def dense_restricted(design: Design, theta: np.ndarray) -> float:
    """As ``dense_laplace`` for 0/1 responses, with β integrated out together with u."""
    ZL = np.concatenate([dense_columns(design, theta), design.X], axis=1)
    prior = np.r_[np.ones(ZL.shape[1] - design.X.shape[1]), np.zeros(design.X.shape[1])]
    sign = 2 * design.y - 1

    def height(both: np.ndarray) -> float:
        return np.log1p(np.exp(-sign * (ZL @ both))).sum() + prior @ both**2 / 2

    both = optimize.minimize(height, np.zeros(ZL.shape[1]), method="BFGS", options={"gtol": 1e-7}).x
    p = 1 / (1 + np.exp(-ZL @ both))
    H = ZL.T @ ((p * (1 - p))[:, None] * ZL) + np.diag(prior)
    return height(both) + np.linalg.slogdet(H)[1] / 2


def numerical_gradient(objective, x: np.ndarray) -> np.ndarray:
    steps = 1e-4 * np.eye(len(x))
    return np.array([(objective(x + step)[0] - objective(x - step)[0]) / 2e-4 for step in steps])


@pytest.mark.parametrize("name", ["glmer", "glmmTMB"])
def test_binary_model_agrees_with_lme4_and_glmmtmb(name, values, answers):
    expected = values[name]
    model = fit(f"correct {INTERCEPTS}", answers)
    agrees(model, expected["beta"], expected["se"], expected["sd"], expected["logLik"])
    assert abs(model.log_likelihood - values["glmmTMB"]["logLik"]) < 1e-4


def test_binary_model_with_a_correlated_slope_agrees_with_lme4(values, answers):
    expected = values["glmer_slope"]
    model = fit(f"correct {SLOPES}", answers)
    agrees(model, expected["beta"], expected["se"], expected["sd"], expected["logLik"])


def test_linear_model_agrees_with_lme4(values, answers):
    expected = values["lmer"]
    model = fit(f"logrt {INTERCEPTS}", answers, family="gaussian")
    agrees(model, expected["beta"], expected["se"], expected["sd"], expected["logLik"])


def test_ordinal_model_agrees_with_clmm(values, answers):
    expected = values["clmm"]
    model = fit(f"rating {INTERCEPTS}", answers, family="ordinal")
    *thresholds, slope = expected["coef"].values()
    agrees(model, [slope], [expected["se"][4]], expected["sd"], expected["logLik"])
    np.testing.assert_allclose(model.thresholds, thresholds, atol=0.01 * 0.1)
    # clmm's standard errors are those of the thresholds, the slope, then of log standard deviations.
    se = np.sqrt(np.diagonal(model.parameters_covariance))[2:6]
    np.testing.assert_allclose(se, expected["se"][:4], rtol=0.01)


def test_two_hundred_thousand_rows_agree_with_lme4(values):
    expected = values["glmer_large"]
    model = fit(f"correct {INTERCEPTS}", crossed_answers(**LARGE))
    agrees(model, expected["beta"], expected["se"], expected["sd"], expected["logLik"])
    assert abs(model.log_likelihood - expected["logLik_tight"]) < 1e-4


@pytest.mark.parametrize("is_thin", [False, True])
@pytest.mark.parametrize(
    "right",
    [
        "~ condition + (1 | participant)",
        "~ condition + (1 + condition | participant) + (1 | item)",
        "~ condition * saliency + (1 + saliency || participant) + (1 + condition | item) + (1 | network)",
    ],
)
@pytest.mark.parametrize("response", ["correct", "rating"])
def test_objective_and_gradient_equal_a_dense_slow_version(response, right, is_thin, monkeypatch):
    if is_thin:
        monkeypatch.setattr(crossing_module, "DENSE_CELLS", -1)
        monkeypatch.setattr(crossing_module, "THIN_SHARE", np.inf)
    design = design_of(f"{response} {right}", small_answers(3), keeps_intercept=response == "correct")
    y = design.y.astype(int) - (response == "rating")
    design = Design(y.astype(float), design.X, design.names, design.factors, response, right)
    categories = 2 if response == "correct" else 4
    likelihood = Binary(design.y) if response == "correct" else Ordinal(y, categories)
    laplace = Laplace(design, likelihood)
    assert isinstance(laplace.crossing.cross, ThinCross) == (is_thin and len(design.factors) > 1)
    rng = np.random.default_rng(1)
    psi = np.concatenate(
        [
            design.starting_theta(0.6) + rng.normal(0, 0.1, design.theta_size),
            np.array([-1.2, -0.1, 0.9])[: likelihood.size],
            rng.normal(0, 0.4, design.X.shape[1]),
        ]
    )
    value, gradient = laplace.value_and_gradient(psi)
    assert value == pytest.approx(dense_laplace(design, psi, categories), abs=1e-5)
    np.testing.assert_allclose(gradient, numerical_gradient(laplace.value_and_gradient, psi), atol=2e-4)


@pytest.mark.parametrize("is_thin", [False, True])
def test_restricted_objective_and_gradient_equal_a_dense_slow_version(is_thin, monkeypatch):
    if is_thin:
        monkeypatch.setattr(crossing_module, "DENSE_CELLS", -1)
        monkeypatch.setattr(crossing_module, "THIN_SHARE", np.inf)
    design = design_of("correct ~ condition * saliency + (1 + saliency | participant) + (1 | item)", small_answers(3))
    design = Design(design.y.astype(float), design.X, design.names, design.factors, "correct", "")
    laplace = Laplace(design.restricted(), Binary(design.y))
    theta = np.array([0.7, -0.2, 0.4, 0.5])
    value, gradient = laplace.value_and_gradient(theta)
    assert value == pytest.approx(dense_restricted(design, theta), abs=1e-5)
    np.testing.assert_allclose(gradient, numerical_gradient(laplace.value_and_gradient, theta), atol=2e-4)


@pytest.mark.parametrize(("response", "family"), [("correct", "binary"), ("rating", "ordinal")])
def test_with_many_units_the_restricted_likelihood_changes_little(response, family, answers):
    by_likelihood = fit(f"{response} {SLOPES}", answers, family=family)
    restricted = fit(f"{response} {SLOPES}", answers, family=family, reml=True)
    assert restricted.is_reml
    assert restricted.is_converged
    assert (np.abs(restricted.beta - by_likelihood.beta) < 0.05 * by_likelihood.se).all()
    np.testing.assert_allclose(restricted.se, by_likelihood.se, rtol=0.02)
    np.testing.assert_allclose(restricted.parameters_covariance, by_likelihood.parameters_covariance, atol=6e-4)
    assert (deviations(restricted) >= deviations(by_likelihood) - 1e-4).all()


def test_an_item_level_condition_with_few_items_is_rarely_called_an_effect_when_there_is_none():
    rng = np.random.default_rng(12)
    p, i = np.repeat(np.arange(30), 8), np.tile(np.arange(8), 30)
    by_z = by_t = 0
    for _ in range(100):
        eta = rng.normal(0, 0.8, 30)[p] + rng.normal(0, 0.8, 8)[i]
        frame = pd.DataFrame({"participant": p, "item": i, "kind": i % 2})
        frame["correct"] = (rng.random(240) < 1 / (1 + np.exp(-eta))).astype(int)
        test = fit("correct ~ kind + (1 | participant) + (1 | item)", frame, reml=True).contrast({"kind": 1})
        by_t += test.p < 0.05
        maximum = fit("correct ~ kind + (1 | participant) + (1 | item)", frame)
        by_z += abs(maximum.contrast({"kind": 1}).t) > 1.96
    assert by_t / 100 <= 0.10
    assert by_z / 100 > by_t / 100 + 0.02


def test_separation_is_penalised_under_the_restricted_likelihood_too():
    frame = small_answers(6, 20, 12)
    frame.loc[frame.condition == "map", "correct"] = 1
    model = fit(f"correct {INTERCEPTS}", frame, reml=True)
    assert model.is_penalized
    assert not model.is_reml
    assert any(note.startswith("Separation") for note in model.notes)


@pytest.mark.parametrize("is_reml", [False, True])
def test_linear_objective_and_gradient_equal_a_dense_slow_version(is_reml):
    formula = "logrt ~ condition * saliency + (1 + saliency | participant) + (1 | item)"
    design = design_of(formula, small_answers(4))
    gaussian = Gaussian(design, is_reml=is_reml)
    theta = np.array([0.7, -0.2, 0.4, 0.5])
    ZL = dense_columns(design, theta)
    V = np.eye(len(design.y)) + ZL @ ZL.T
    inverse = np.linalg.inv(V)
    information = design.X.T @ inverse @ design.X
    beta = np.linalg.solve(information, design.X.T @ inverse @ design.y)
    rest = design.y - design.X @ beta
    free = len(design.y) - (design.X.shape[1] if is_reml else 0)
    expected = np.linalg.slogdet(V)[1] + free * (1 + np.log(2 * np.pi * (rest @ inverse @ rest) / free))
    if is_reml:
        expected += np.linalg.slogdet(information)[1]
    value, gradient = gaussian.value_and_gradient(theta)
    assert value == pytest.approx(expected / 2, abs=1e-8)
    np.testing.assert_allclose(gradient, numerical_gradient(gaussian.value_and_gradient, theta), atol=1e-4)


def test_effects_are_tested_with_the_degrees_of_freedom_of_the_unit_that_varies(answers):
    frame = answers[answers.participant < 40].copy()
    frame["group"] = np.where(frame.participant % 2, "b", "a")
    frame["kind"] = np.where(frame.item % 3 == 0, "goose", "duck")
    model = fit("correct ~ group + kind + condition + (1 + condition | participant) + (1 | item)", frame)
    table = model.coefficients().set_index("term")
    assert table.df.to_dict() == {
        "Intercept": 38,  # 40 participants less the two columns that are constant within them
        "group[T.b]": 38,
        "kind[T.goose]": 58,  # 60 items less the intercept and the kind
        "condition": 39,  # one slope for each of 40 participants
    }
    assert model.unmodelled_slopes() == [
        ("kind[T.goose]", "participant"),
        ("group[T.b]", "item"),
        ("condition", "item"),
    ]


def test_contrast_combines_coefficients_and_takes_the_smaller_df(answers):
    frame = answers[answers.participant < 40].copy()
    frame["kind"] = np.array(["duck", "gull", "swan"])[frame.item % 3]
    model = fit("correct ~ kind + (1 | participant) + (1 | item)", frame)
    between = model.contrast({"kind[T.swan]": 1, "kind[T.gull]": -1}, name="swan - gull")
    frame["kind"] = pd.Categorical(frame.kind, ["gull", "duck", "swan"])
    again = fit("correct ~ kind + (1 | participant) + (1 | item)", frame).coefficients().set_index("term")
    assert between.estimate == pytest.approx(again.loc["kind[T.swan]", "estimate"], abs=1e-4)
    assert between.se == pytest.approx(again.loc["kind[T.swan]", "se"], rel=1e-3)
    assert between.df == 57
    assert between.interval == "95 % t, 57 df"
    one_sided = model.contrast({"kind[T.swan]": 1, "kind[T.gull]": -1}, alternative="greater")
    assert one_sided.p == pytest.approx(between.p / 2 if between.t > 0 else 1 - between.p / 2)
    with pytest.raises(ModelError, match="no coefficient 'goose'"):
        model.contrast({"goose": 1})


def test_rows_and_level_names_may_come_in_any_order(answers):
    frame = answers[answers.participant < 30]
    model = fit(f"correct {INTERCEPTS}", frame)
    renamed = frame.assign(participant=frame.participant.map(lambda p: f"p{(p * 7) % 31}")).sample(
        frac=1, random_state=1
    )
    again = fit(f"correct {INTERCEPTS}", renamed)
    np.testing.assert_allclose(again.beta, model.beta, atol=1e-6)
    by_name = {effects.factor: effects for effects in again.random}["participant"]
    original = {effects.factor: effects for effects in model.random}["participant"]
    place = by_name.levels.index(f"p{(5 * 7) % 31}")
    assert by_name.modes[place, 0] == pytest.approx(original.modes[original.levels.index("5"), 0], abs=1e-5)


def test_a_large_thin_crossing_is_fitted_by_its_occupied_cells(monkeypatch):
    monkeypatch.setattr(crossing_module, "DENSE_CELLS", 300_000)
    rng = np.random.default_rng(0)
    participants, items, trials = 1500, 300, 10
    p = np.repeat(np.arange(participants), trials)
    i = np.concatenate([rng.choice(items, trials, replace=False) for _ in range(participants)])
    c = np.tile(np.arange(trials) % 2, participants)
    eta = 0.2 + 0.5 * c + rng.normal(0, 0.8, participants)[p] + rng.normal(0, 0.6, items)[i]
    frame = pd.DataFrame({"participant": p, "item": i, "condition": c})
    frame["correct"] = rng.random(len(frame)) < 1 / (1 + np.exp(-eta))
    model = fit(f"correct {INTERCEPTS}", frame)
    assert isinstance(Laplace(model.design, Binary(model.design.y)).crossing.cross, ThinCross)
    assert model.is_converged
    assert abs(model.beta[1] - 0.5) < 3 * model.se[1]
    np.testing.assert_allclose(deviations(model), [0.8, 0.6], atol=0.08)


def test_no_differences_between_people_are_called_the_boundary_and_not_separation():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"participant": np.repeat(np.arange(20), 20), "item": np.tile(np.arange(20), 20)})
    # Everybody answers exactly half of the items right: less spread between people than chance makes.
    frame["correct"] = np.concatenate([rng.permutation(np.arange(20) % 2) for _ in range(20)])
    model = fit("correct ~ 1 + (1 | participant) + (1 | item)", frame)
    assert model.is_converged
    assert not model.is_penalized
    assert any("intercept over participant is on the boundary (0)" in note for note in model.notes)


def test_a_condition_that_is_always_right_is_called_separation_and_penalised():
    frame = small_answers(6, 20, 12)
    frame.loc[frame.condition == "map", "correct"] = 1
    model = fit(f"correct {INTERCEPTS}", frame)
    assert model.is_penalized
    assert any(note.startswith("Separation: the responses leave condition[T.map] without") for note in model.notes)
    assert 1 < model.beta[1] < 10
    assert model.se[1] < 10
    assert not any("boundary" in note and "condition" in note for note in model.notes)


def test_people_who_are_always_right_or_always_wrong_are_separation_too():
    frame = small_answers(7, 20, 12)
    frame["correct"] = frame.participant % 2
    model = fit("correct ~ condition + (1 | participant) + (1 | item)", frame)
    assert model.is_penalized
    assert any(note.startswith("Separation") for note in model.notes)
    assert np.isfinite(model.beta).all()


def test_slopes_that_the_data_do_not_support_are_said_to_be_on_the_boundary(answers):
    frame = answers[(answers.participant < 20) & (answers.item < 12)]
    model = fit("logrt ~ condition + (1 + condition | participant) + (1 + condition | item)", frame, family="gaussian")
    assert model.is_converged
    assert any("on the boundary" in note for note in model.notes)


@pytest.mark.parametrize(
    ("formula", "family", "sentence"),
    [
        ("correct", "binary", "is not a formula"),
        ("correct ~ condition", "binary", "has no random effects"),
        ("wrong ~ condition + (1 | participant)", "binary", "response 'wrong' is not a column"),
        ("correct ~ colour + (1 | participant)", "binary", "'colour' in the formula is neither a column"),
        ("correct ~ condition + (1 | rater)", "binary", "grouping factor 'rater' is not a column"),
        ("correct ~ condition + (1 | lonely)", "binary", "only one lonely"),
        ("rating ~ condition + (1 | participant)", "binary", "must be 0 or 1 in every row"),
        ("word ~ condition + (1 | participant)", "ordinal", "must be numbers or an ordered categorical"),
        ("word ~ condition + (1 | participant)", "gaussian", "must be a finite number"),
        ("lonely ~ condition + (1 | participant)", "binary", "All values of lonely are the same"),
        ("correct ~ condition + (1 | participant)", "poisson", "'poisson' is not a family"),
        ("logrt ~ condition + (1 | row)", "gaussian", "as many random effects"),
        ("correct ~ __import__('os').getpid() + (1 | participant)", "binary", "neither a column nor a known function"),
        ("correct ~ {condition} + (1 | participant)", "binary", "may not stand in a formula"),
        ("correct ~ saliency.mean() + (1 | participant)", "binary", "may not stand in a formula"),
    ],
)
def test_what_cannot_be_modelled_is_refused_in_a_sentence(formula, family, sentence):
    frame = small_answers(8)
    frame["lonely"] = 1
    frame["word"] = "good"
    frame.loc[0, "word"] = "bad"
    frame["row"] = np.arange(len(frame))
    with pytest.raises(ModelError, match=sentence.replace("(", r"\(")):
        fit(formula, frame, family=family)


def test_missing_values_and_redundant_columns_are_left_out_and_said():
    frame = small_answers(9, 20, 12)
    complete = frame.copy()
    frame.loc[[1, 5], "saliency"] = np.nan
    frame["again"] = frame.saliency * 2
    model = fit("correct ~ saliency + again + (1 | participant) + (1 | item)", frame)
    assert model.names == ("Intercept", "saliency")
    assert any(note.startswith("2 of ") and "missing" in note for note in model.notes)
    assert any(note.startswith("again: left out") for note in model.notes)
    expected = fit("correct ~ saliency + (1 | participant) + (1 | item)", complete.drop(index=[1, 5]))
    np.testing.assert_allclose(model.beta, expected.beta, atol=1e-6)


def test_categories_nobody_used_are_left_out_of_an_ordinal_model():
    frame = small_answers(10, 20, 12)
    gapped = frame.assign(rating=frame.rating.replace({2: 3}))
    model = fit(f"rating {INTERCEPTS}", gapped, family="ordinal")
    assert model.categories == ("1", "3", "4")
    words = pd.Categorical.from_codes(
        frame.rating - 1, ["no", "rather no", "rather yes", "yes", "never used"], ordered=True
    )
    named = fit("answer ~ condition + (1 | participant) + (1 | item)", frame.assign(answer=words), family="ordinal")
    numbered = fit(f"rating {INTERCEPTS}", frame, family="ordinal")
    assert named.categories == ("no", "rather no", "rather yes", "yes")
    np.testing.assert_allclose(named.beta, numbered.beta, atol=1e-6)


def test_likelihood_ratio_bootstrap_finds_an_effect_and_no_effect():
    rng = np.random.default_rng(11)
    frame = small_answers(11, 20, 12)
    frame["noise"] = rng.normal(size=len(frame))
    frame["strong"] = rng.normal(size=len(frame)) + 1.5 * frame.correct
    model = fit("correct ~ noise + strong + (1 | participant) + (1 | item)", frame)
    found = likelihood_ratio(model, ["strong"], replicates=19, seed=1)
    none = likelihood_ratio(model, ["noise"], replicates=19, seed=1)
    assert found.p_bootstrap == pytest.approx(1 / 20)
    assert found.p_chi_square < 1e-6
    assert none.p_bootstrap > 0.1
    assert likelihood_ratio(model, ["noise"], replicates=19, seed=1) == none


@pytest.mark.parametrize(("response", "family"), [("correct", "binary"), ("rating", "ordinal"), ("logrt", "gaussian")])
def test_bootstrap_intervals_are_about_as_wide_as_the_standard_errors_say(response, family, answers):
    frame = answers[(answers.participant < 30) & (answers.item < 20)]
    model = fit(f"{response} {INTERCEPTS}", frame, family=family)
    table = bootstrap_intervals(model, replicates=60, seed=2).set_index("term")
    width = (table.high - table.low)["condition"]
    assert 2.6 < width / model.se[list(model.names).index("condition")] < 5.2
    assert table.low["sd(Intercept | participant)"] > 0.05
    assert "60 replicates" in table.interval.iloc[0]
