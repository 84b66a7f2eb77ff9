"""Signal detection: d' of forced choice and of yes/no answers, criterion, operating characteristics of ratings.

d' of m alternatives solves pc = E[Φ(d' + X)^(m-1)], X ~ N(0, 1) (Green & Swets 1966; Hacker & Ratcliff 1979); for two
it is √2 Φ⁻¹(pc). Counts get the log-linear correction, half a response more of each kind (Hautus 1995), always and not
only where a rate is 0 or 1. Standard errors take responses as independent; across people or items bootstrap d'.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from study.statistics.crossed_means import UndefinedError, Values

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(101)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
LARGEST = 12.0


@dataclass(frozen=True)
class ForcedChoice:
    """d' of m alternatives, from the corrected proportion correct."""

    dprime: float
    se: float
    proportion: float
    alternatives: int
    responses: int


@dataclass(frozen=True)
class YesNo:
    """Sensitivity d', criterion c (positive: says no too often) and log β, from corrected rates."""

    dprime: float
    dprime_se: float
    criterion: float
    criterion_se: float
    log_beta: float
    hit_rate: float
    false_alarm_rate: float


@dataclass(frozen=True)
class Roc:
    """Points from (0, 0) to (1, 1), most confident first, and the area under the straight lines between them."""

    false_alarm_rate: Values
    hit_rate: Values
    area: float


@dataclass(frozen=True)
class RatingModel:
    """Two normal distributions behind ratings: noise N(0, 1), signal N(mean, sd²), criteria between the ratings.

    d_a = mean √(2/(1 + sd²)); area = Φ(d_a/√2).
    """

    mean: float
    sd: float
    criteria: Values
    d_a: float
    area: float
    log_likelihood: float


def proportion_correct(dprime: float, alternatives: int) -> float:
    """Expected proportion correct of an unbiased observer among ``alternatives`` >= 2."""
    return float(WEIGHTS @ ndtr(dprime + NODES) ** (_checked(alternatives) - 1))


def forced_choice_dprime(proportion: float, alternatives: int) -> float:
    """d' of a proportion correct. Raises ``UndefinedError`` at 0 and 1, where it is infinite."""
    m = _checked(alternatives)
    if not 0 < proportion < 1:
        raise UndefinedError(f"d' is infinite for a proportion correct of {proportion:g}; use the counts, corrected.")
    if m == 2:
        return float(np.sqrt(2) * ndtri(proportion))
    if not proportion_correct(-LARGEST, m) < proportion < proportion_correct(LARGEST, m):
        raise UndefinedError(f"d' is beyond ±{LARGEST:g} for a proportion correct of {proportion:g}.")
    return optimize.brentq(lambda d: proportion_correct(d, m) - proportion, -LARGEST, LARGEST, xtol=1e-12)


def forced_choice(correct: int, responses: int, alternatives: int) -> ForcedChoice:
    """d' of counts, after the correction (correct + 1/m)/(responses + 1), which is log-linear for m = 2."""
    m = _checked(alternatives)
    if not 0 <= correct <= responses or responses < 1:
        raise UndefinedError(f"{correct} correct of {responses} responses is not possible.")
    proportion = (correct + 1 / m) / (responses + 1)
    dprime = forced_choice_dprime(proportion, m)
    slope = float(WEIGHTS @ ((m - 1) * ndtr(dprime + NODES) ** (m - 2) * norm.pdf(dprime + NODES)))
    se = float(np.sqrt(proportion * (1 - proportion) / (responses + 1)) / slope)
    return ForcedChoice(dprime, se, proportion, m, responses)


def yes_no(hits: int, signals: int, false_alarms: int, noises: int) -> YesNo:
    """d' = z(H) - z(F), c = -(z(H) + z(F))/2 with H = (hits + 1/2)/(signals + 1) and F likewise (Hautus 1995).

    Standard errors as Gourevitch & Galanter 1967. Raises ``UndefinedError`` without signal or without noise trials.
    """
    if signals < 1 or noises < 1:
        raise UndefinedError("Sensitivity needs trials with and trials without a signal.")
    if not 0 <= hits <= signals or not 0 <= false_alarms <= noises:
        raise UndefinedError(f"{hits} hits of {signals} and {false_alarms} false alarms of {noises} are not possible.")
    H, F = (hits + 0.5) / (signals + 1), (false_alarms + 0.5) / (noises + 1)
    zH, zF = float(ndtri(H)), float(ndtri(F))
    variance = H * (1 - H) / (signals + 1) / norm.pdf(zH) ** 2 + F * (1 - F) / (noises + 1) / norm.pdf(zF) ** 2
    se = float(np.sqrt(variance))
    return YesNo(zH - zF, se, -(zH + zF) / 2, se / 2, (zF**2 - zH**2) / 2, H, F)


def roc(scores: npt.ArrayLike, is_signal: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Roc:
    """The curve of scores (n,), higher for more signal, such as signed confidence; weights (n,) for a bootstrap.

    With confidence as scores and being correct as the signal it is the type-2 curve of metacognition.
    Raises ``UndefinedError`` without signal or without noise trials.
    """
    x, signal = np.asarray(scores, dtype=np.float64), np.asarray(is_signal).astype(bool)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not (w[signal].sum() > 0 and w[~signal].sum() > 0):
        raise UndefinedError("A receiver operating characteristic needs trials with and trials without a signal.")
    values, codes = np.unique(-x, return_inverse=True)
    hit = np.concatenate([[0.0], np.cumsum(np.bincount(codes, w * signal, len(values)))]) / w[signal].sum()
    false = np.concatenate([[0.0], np.cumsum(np.bincount(codes, w * ~signal, len(values)))]) / w[~signal].sum()
    return Roc(false, hit, float(np.trapezoid(hit, false)))


def fit_ratings(
    noise_counts: npt.ArrayLike, signal_counts: npt.ArrayLike, *, is_equal_variance: bool = False
) -> RatingModel:
    """Maximum likelihood from counts per rating (K,), sure noise first (Dorfman & Alf 1969).

    Ratings that nobody used are left out. Raises ``UndefinedError`` with fewer than two ratings (three for an sd of its
    own), without signal or noise trials, or where they do not overlap.
    """
    counts = np.stack([np.asarray(noise_counts, dtype=np.float64), np.asarray(signal_counts, dtype=np.float64)])
    counts = counts[:, counts.sum(axis=0) > 0]
    if (counts.sum(axis=1) < 1).any():
        raise UndefinedError("Ratings need trials with and trials without a signal.")
    K = counts.shape[1]
    needed = 2 if is_equal_variance else 3
    if needed > K:
        raise UndefinedError(f"Only {K} ratings were used: too few for the curve's shape.")
    if not (counts[0] * counts[1]).any():
        raise UndefinedError("Ratings of signal and noise do not overlap: sensitivity is infinite.")
    cumulated = np.cumsum(counts[0] + 0.5)[:-1] / (counts[0] + 0.5).sum()
    start = ndtri(cumulated)
    mean = start.mean() - float(ndtri(np.cumsum(counts[1] + 0.5)[:-1] / (counts[1] + 0.5).sum()).mean())
    free = [mean] if is_equal_variance else [mean, 0.0]
    x0 = np.concatenate([free, start[:1], np.log(np.diff(start))])

    def unpack(x: Values) -> tuple[float, float, Values]:
        edges = x[len(free) :]
        criteria = np.concatenate([edges[:1], edges[0] + np.cumsum(np.exp(edges[1:]))])
        return float(x[0]), 1.0 if is_equal_variance else float(np.exp(x[1])), criteria

    def minus_log_likelihood(x: Values) -> float:
        centre, sd, criteria = unpack(x)
        edges = np.concatenate([[-np.inf], criteria, [np.inf]])
        shares = np.stack([np.diff(ndtr(edges)), np.diff(ndtr((edges - centre) / sd))])
        return float(-(counts * np.log(np.maximum(shares, 1e-300))).sum())

    best = optimize.minimize(minus_log_likelihood, x0, method="BFGS", options={"gtol": 1e-6 * counts.sum()})
    centre, sd, criteria = unpack(np.asarray(best.x))
    if abs(centre) > LARGEST or not 0.02 < sd < 50:
        raise UndefinedError("The ratings do not determine the two distributions: too few of them overlap.")
    d_a = centre * np.sqrt(2 / (1 + sd**2))
    return RatingModel(centre, sd, criteria, float(d_a), float(ndtr(d_a / np.sqrt(2))), -float(best.fun))


def _checked(alternatives: int) -> int:
    if alternatives < 2:
        raise UndefinedError(f"A forced choice has at least two alternatives, not {alternatives}.")
    return int(alternatives)
