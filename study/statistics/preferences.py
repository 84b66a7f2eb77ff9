"""Paired comparisons with ties: the Bradley-Terry-Davidson model, position bias, clustered standard errors.

For objects a (shown first) and b, with worths β, tie parameter ν and position bias δ,

    P(a) ∝ exp((β_a - β_b + δ)/2),  P(b) ∝ exp(-(β_a - β_b + δ)/2),  P(tie) ∝ ν

(Davidson 1970; an order effect as in Davidson & Beaver 1977, here symmetric in the two positions). Worths are on the
log-odds scale: β_a - β_b is the log-odds that a is preferred when one is, between positions. Without ties it is the
model of Bradley & Terry (1952). The log-likelihood is concave and maximised by Newton's method with its exact Hessian.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, log_softmax

from study.statistics.clustered_covariance import clustered_covariance
from study.statistics.crossed_means import Labels, UndefinedError, Values

PRIOR_SD = 2.5  # of worths, where some object is always or never preferred and a penalty is necessary


@dataclass(frozen=True)
class Preference:
    """How much more often first is preferred than second, when one is: log-odds, probability with interval, test."""

    first: str
    second: str
    log_odds: float
    se: float
    df: float
    t: float
    p: float
    probability: float
    low: float
    high: float
    interval: str


@dataclass(frozen=True)
class PreferenceModel:
    """A fitted model. worths: (k,) against the first object (0); covariance: (parameters, parameters).

    Parameters are the worths but the first, then log ν if there are ties, then δ if it was asked for.
    """

    objects: tuple[str, ...]
    worths: Values
    log_tie: float | None
    position: float | None
    parameters: Values
    covariance: Values
    df: float
    log_likelihood: float
    comparisons: int
    unit: str
    is_penalized: bool
    notes: tuple[str, ...]

    @property
    def se(self) -> Values:
        """Of the parameters."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance)))

    def preference(self, first: str, second: str, *, level: float = 0.95) -> Preference:
        """Compare two objects. Raises ``UndefinedError`` for an object that was not compared."""
        for name in (first, second):
            if name not in self.objects:
                raise UndefinedError(f"{name} was in no comparison; compared were: {', '.join(self.objects)}.")
        vector = np.zeros(len(self.parameters))
        for name, sign in ((first, 1.0), (second, -1.0)):
            if place := self.objects.index(name):
                vector[place - 1] += sign
        estimate = float(vector @ self.parameters)
        se = float(np.sqrt(vector @ self.covariance @ vector))
        half = float(stats.t.ppf((1 + level) / 2, self.df)) * se
        t = estimate / se if se > 0 else float("nan")
        return Preference(
            first=first,
            second=second,
            log_odds=estimate,
            se=se,
            df=self.df,
            t=t,
            p=float(2 * stats.t.sf(abs(t), self.df)),
            probability=float(expit(estimate)),
            low=float(expit(estimate - half)),
            high=float(expit(estimate + half)),
            interval=f"{100 * level:g} % t over {self.unit}, {self.df:.4g} df",
        )

    def preferences(self, *, level: float = 0.95) -> list[Preference]:
        """All pairs, the preferred object first."""
        order = np.argsort(-self.worths, kind="stable")
        names = [self.objects[place] for place in order]
        return [self.preference(first, second, level=level) for first, second in combinations(names, 2)]

    def position_test(self) -> tuple[float, float]:
        """t and p of the position bias δ. Raises ``UndefinedError`` if it is not in the model."""
        if self.position is None:
            raise UndefinedError("The model has no position bias; fit it with has_position=True.")
        t = self.position / float(self.se[-1])
        return t, float(2 * stats.t.sf(abs(t), self.df))


def fit_preferences(
    first: Sequence[str],
    second: Sequence[str],
    outcome: Sequence[float],
    *,
    participants: Labels | None = None,
    items: Labels | None = None,
    has_position: bool = False,
    objects: Sequence[str] | None = None,
) -> PreferenceModel:
    """Fit n comparisons. first, second: names (n,); outcome: 1 first preferred, -1 second, 0 tie.

    Standard errors are clustered by participants, or by participants and items (Cameron, Gelbach & Miller 2011), where
    given. Raises ``UndefinedError`` for objects that no chain of comparisons links, one object, or other outcomes.
    """
    data = _Data.make(first, second, outcome, has_position, objects)
    notes: list[str] = []
    precision = np.zeros(data.size)
    if problem := data.check_connected():
        precision[: len(data.objects) - 1] = PRIOR_SD**-2
        notes.append(f"{problem} Worths are penalised, with a normal prior of standard deviation {PRIOR_SD:g}.")
    parameters = _newton(data, precision)
    probability, log_likelihood = data.probabilities(parameters)
    information = data.information(probability) + np.diag(precision)
    inverse: Values = np.asarray(np.linalg.inv(information), dtype=np.float64)
    scores = data.scores(probability)
    covariance, df, unit = clustered_covariance(inverse, scores, participants, items)
    k = len(data.objects)
    return PreferenceModel(
        objects=data.objects,
        worths=np.concatenate([[0.0], parameters[: k - 1]]),
        log_tie=float(parameters[k - 1]) if data.has_ties else None,
        position=float(parameters[-1]) if has_position else None,
        parameters=parameters,
        covariance=covariance,
        df=df,
        log_likelihood=log_likelihood,
        comparisons=len(data.outcome),
        unit=unit,
        is_penalized=bool(precision.any()),
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Data:
    """The comparisons as numbers, and the columns of their linear predictor."""

    objects: tuple[str, ...]
    a: npt.NDArray[np.intp]
    b: npt.NDArray[np.intp]
    outcome: npt.NDArray[np.intp]  # 0 first, 1 second, 2 tie
    has_ties: bool
    columns: Values  # (n, size) of η, the utility of the first; the second's is -η
    tie: int  # place of log ν among the parameters

    @property
    def size(self) -> int:
        return int(self.columns.shape[1])

    @classmethod
    def make(
        cls,
        first: Sequence[str],
        second: Sequence[str],
        outcome: Sequence[float],
        has_position: bool,
        objects: Sequence[str] | None,
    ) -> "_Data":
        a_names, b_names, y = (np.asarray(values) for values in (first, second, outcome))
        if not len(a_names) == len(b_names) == len(y):
            raise UndefinedError("Every comparison needs a first object, a second object and an outcome.")
        if not len(y):
            raise UndefinedError("There are no comparisons.")
        if not np.isin(y, (-1, 0, 1)).all():
            raise UndefinedError("Outcomes must be 1 (first preferred), -1 (second preferred) or 0 (tie).")
        if (a_names == b_names).any():
            raise UndefinedError(f"{a_names[a_names == b_names][0]} is compared with itself.")
        seen = {str(name) for name in np.concatenate([a_names, b_names])}
        names = tuple(str(name) for name in objects) if objects is not None else tuple(sorted(seen))
        if unknown := seen.difference(names):
            raise UndefinedError(f"{sorted(unknown)[0]} is compared and not among the objects {', '.join(names)}.")
        if not np.any(y):
            raise UndefinedError(
                "Every comparison ended in a tie, so that no object is known to be preferred to another."
            )
        place = {name: number for number, name in enumerate(names)}
        a = np.array([place[str(name)] for name in a_names], dtype=np.intp)
        b = np.array([place[str(name)] for name in b_names], dtype=np.intp)
        has_ties = bool((y == 0).any())
        k, n = len(names), len(y)
        columns = np.zeros((n, k + has_ties + has_position))
        columns[np.arange(n), a] = 0.5
        columns[np.arange(n), b] -= 0.5
        if has_position:
            columns[:, -1] = 0.5
        codes = np.where(y == 1, 0, np.where(y == -1, 1, 2)).astype(np.intp)
        return cls(names, a, b, codes, has_ties, columns[:, 1:], k - 1)

    def check_connected(self) -> str:
        """A sentence if some worth is infinite. Raises ``UndefinedError`` if objects cannot be compared at all."""
        k = len(self.objects)
        is_tie = self.outcome == 2
        winner, loser = np.where(self.outcome == 1, self.b, self.a), np.where(self.outcome == 1, self.a, self.b)
        rows, columns = np.concatenate([winner, loser[is_tie]]), np.concatenate([loser, winner[is_tie]])
        graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(k, k)).tocsr()
        parts, label = connected_components(graph, directed=True, connection="weak")
        if parts > 1:
            groups = [", ".join(np.array(self.objects)[label == part]) for part in range(parts)]
            raise UndefinedError(
                f"The comparisons fall apart into groups that were never compared: {' | '.join(groups)}. "
                "Compare at least one object of each group with one of another."
            )
        parts, label = connected_components(graph, directed=True, connection="strong")
        if parts == 1:
            return ""
        into = np.bincount(label[columns], label[rows] != label[columns], parts) == 0
        best = ", ".join(np.array(self.objects)[np.isin(label, np.flatnonzero(into))])
        return f"{best} never lost against the others, so that some worths have no finite estimate."

    def probabilities(self, parameters: Values) -> tuple[Values, float]:
        """P (n, 3) of first, second, tie and the log-likelihood."""
        eta = self.columns @ parameters
        utilities = np.full((len(eta), 3), -np.inf)
        utilities[:, 0] = eta
        utilities[:, 1] = -eta
        if self.has_ties:
            # The tie's own column of ``columns`` is 0 in η.
            utilities[:, 2] = parameters[self.tie]
        logs = log_softmax(utilities, axis=1)
        return np.exp(logs), float(logs[np.arange(len(eta)), self.outcome].sum())

    def scores(self, P: Values) -> Values:
        """Gradient of each comparison's log-likelihood (n, size)."""
        sign = np.array([1.0, -1.0, 0.0])[self.outcome] - (P[:, 0] - P[:, 1])
        scores = sign[:, None] * self.columns
        if self.has_ties:
            scores[:, self.tie] += (self.outcome == 2) - P[:, 2]
        return np.asarray(scores)

    def information(self, P: Values) -> Values:
        """Minus the Hessian (size, size)."""
        difference = P[:, 0] - P[:, 1]
        spread = P[:, 0] + P[:, 1] - difference**2
        information = self.columns.T @ (spread[:, None] * self.columns)
        if self.has_ties:
            crossed = -(self.columns * (difference * P[:, 2])[:, None]).sum(axis=0)
            information[self.tie, :] += crossed
            information[:, self.tie] += crossed
            information[self.tie, self.tie] += float((P[:, 2] * (1 - P[:, 2])).sum())
        return np.asarray(information)


def _newton(data: _Data, precision: Values) -> Values:
    """The maximum of the (penalised) log-likelihood."""
    parameters = np.zeros(data.size)
    P, value = data.probabilities(parameters)
    for _ in range(200):
        gradient = data.scores(P).sum(axis=0) - precision * parameters
        step = np.linalg.solve(data.information(P) + np.diag(precision), gradient)
        decrement = float(gradient @ step)
        if decrement < 1e-16 * max(1.0, abs(value)):
            return parameters
        length = 1.0
        while True:
            moved = parameters + length * step
            new_P, new_value = data.probabilities(moved)
            gained = new_value - value - 0.5 * float(precision @ (moved**2 - parameters**2))
            if gained >= -1e-12 * abs(value) or length < 1e-8:
                break
            length /= 2
        parameters, P, value = moved, new_P, new_value
    raise UndefinedError("The preference model has no maximum on these comparisons.")
