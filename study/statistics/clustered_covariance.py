"""Covariances of estimates whose rows come in clusters: participants, or participants crossed with items.

Liang & Zeger 1986 for one way, Cameron, Gelbach & Miller 2011 for two.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.statistics.crossed_means import Labels, UndefinedError, Values


def clustered_covariance(
    inverse: Values, scores: Values, participants: Labels | None, items: Labels | None
) -> tuple[Values, float, str]:
    """The sandwich inverse · Σ scores · inverse, its degrees of freedom and the unit it generalises over.

    inverse: (p, p) of the information; scores: (n, p), each row's gradient of the log-likelihood. Clusters count with
    the factor G/(G - 1); with both sides the variance is participants + items - both, raised to at least either side's.
    Without participants it is ``inverse``, over rows. Raises ``UndefinedError`` for fewer than two clusters.
    """
    if participants is None:
        if items is not None:
            raise UndefinedError("Clustering by items alone is not offered; give the participants too.")
        return inverse, float(len(scores) - scores.shape[1]), "comparisons"
    one = pd.factorize(np.asarray(participants))[0]
    if items is None:
        meat, count = _meat(scores, one)
        return inverse @ meat @ inverse, count - 1.0, "participants"
    two = pd.factorize(np.asarray(items))[0]
    both = one * (two.max() + 1) + two
    (first, first_count), (second, second_count) = _meat(scores, one), _meat(scores, two)
    total = first + second - _meat(scores, np.unique(both, return_inverse=True)[1])[0]
    covariance = inverse @ total @ inverse
    # The difference need not be a covariance: where a one-way covariance is larger in some direction, it counts.
    for side in (inverse @ first @ inverse, inverse @ second @ inverse):
        values, vectors = np.linalg.eigh(side - covariance)
        covariance = covariance + (vectors * np.maximum(values, 0.0)) @ vectors.T
    return covariance, min(first_count, second_count) - 1.0, "participants and items"


def _meat(scores: Values, codes: npt.NDArray[np.intp]) -> tuple[Values, int]:
    """Σ over clusters of the outer product of their score, with the factor G/(G - 1)."""
    count = int(codes.max()) + 1
    if count < 2:
        raise UndefinedError("All comparisons are of one participant or one item: there is nothing to generalise from.")
    sums = np.stack([np.bincount(codes, column, count) for column in scores.T], axis=1)
    return np.asarray(sums.T @ sums * (count / (count - 1)), dtype=np.float64), count
