"""Linear algebra of crossed random effects: H = ΛᵀZᵀWZΛ + I, its determinant, solutions and the blocks of its inverse.

The random effects of the first (largest) factor are block-diagonal in H and are eliminated by a Schur complement; the
rest is one dense Cholesky factor. The large-by-small block is kept dense, or by its occupied cells where the
crossing is large and thin (Bates, Mächler, Bolker & Walker 2015, section 3, orders it the other way round).
"""

from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.linalg import lapack

from study.statistics.mixed_models.dense_crossing import DenseCross
from study.statistics.mixed_models.design import Factor, Floats
from study.statistics.mixed_models.thin_crossing import ThinCross

DENSE_CELLS = 4_000_000  # up to this size (32 MB) the large-by-small block may be dense
SMALLEST_PIVOT = 1e-60  # far below rounding of any curvature that data give, and its inverse squared is still a number
THIN_SHARE = 0.25  # and above it, it is dense only if more than this share of its cells is occupied


class Crossing:
    """The random-effects columns of one design. Flat vectors hold the large factor's (P, qa), then the rest."""

    def __init__(self, factors: tuple[Factor, ...]) -> None:
        self.factors = factors
        self.large, self.small = factors[0], factors[1:]
        sizes = [factor.size for factor in factors]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self.parts = [slice(int(a), int(b)) for a, b in pairwise(starts)]
        self.size = int(starts[-1])
        self.split = sizes[0]
        self.m = self.size - self.split
        self.offsets = [part.start - self.split for part in self.parts[1:]]
        self.prior = np.concatenate([np.full(factor.size, 0.0 if factor.is_flat else 1.0) for factor in factors])
        cells = self.split * self.m
        occupied = sum(len(self.large.codes) * len(factor.effects) for factor in self.small) * len(self.large.effects)
        thin = cells > DENSE_CELLS and occupied < THIN_SHARE * cells
        kind = ThinCross if thin else DenseCross
        self.cross: DenseCross | ThinCross = kind(self.large, self.small, self.offsets)

    def levels(self, f: int, vector: Floats) -> Floats:
        """The effects of factor f (L, q) in a flat vector."""
        return vector[self.parts[f]].reshape(self.factors[f].shape)

    def rows(self, effects: list[Floats]) -> Floats:
        """Z b (n,) from each factor's b (L, q)."""
        total = np.zeros(len(self.large.codes))
        for factor, b in zip(self.factors, effects, strict=True):
            for j in range(len(factor.effects)):
                total += np.ascontiguousarray(b[:, j]).take(factor.codes) * factor.Z[:, j]
        return total

    def sums(self, f: int, values: Floats) -> Floats:
        """Zᵀ values for factor f (L, q)."""
        factor = self.factors[f]
        columns = [
            np.bincount(factor.codes, values * factor.Z[:, j], len(factor.levels)) for j in range(factor.shape[1])
        ]
        return np.stack(columns, axis=1)

    def scaled_rows(self, vector: Floats, triangles: list[Floats]) -> Floats:
        """ZΛ u (n,) from a flat u."""
        return self.rows([self.levels(f, vector) @ triangle.T for f, triangle in enumerate(triangles)])

    def scaled_sums(self, values: Floats, triangles: list[Floats]) -> Floats:
        """ΛᵀZᵀ values, flat."""
        return np.concatenate([(self.sums(f, values) @ triangle).ravel() for f, triangle in enumerate(triangles)])


class Products:
    """ZᵀWZ: everything about the weights that the factors Λ multiply."""

    def __init__(self, crossing: Crossing, weight: Floats) -> None:
        large = crossing.large
        P, qa = large.shape
        weighted = [weight * large.Z[:, j] for j in range(qa)]
        self.crossing = crossing
        self.large = np.empty((P, qa, qa))
        for j in range(qa):
            for i in range(j + 1):
                self.large[:, i, j] = self.large[:, j, i] = np.bincount(large.codes, weighted[j] * large.Z[:, i], P)
        self.cross = crossing.cross.products(weighted)
        self.small = np.zeros((crossing.m, crossing.m))
        for f, first in enumerate(crossing.small):
            for g, second in enumerate(crossing.small[: f + 1]):
                self._fill(weight, f, first, g, second)

    def _fill(self, weight: Floats, f: int, first: Factor, g: int, second: Factor) -> None:
        """The block of two small factors; diagonal in levels where they are one."""
        offsets = self.crossing.offsets
        (L, q), (M, r) = first.shape, second.shape
        for j in range(q):
            for k in range(r):
                values = weight * first.Z[:, j] * second.Z[:, k]
                rows = slice(offsets[f] + j, offsets[f] + L * q, q)
                columns = slice(offsets[g] + k, offsets[g] + M * r, r)
                if f == g:
                    diagonal = np.arange(L)
                    self.small[rows, columns][diagonal, diagonal] = np.bincount(first.codes, values, L)
                else:
                    block = np.bincount(first.codes * M + second.codes, values, L * M).reshape(L, M)
                    self.small[rows, columns] = block
                    self.small[columns, rows] = block.T


class Factorization:
    """H = ΛᵀCΛ + I for C = ZᵀWZ, factorised.

    Raises ``numpy.linalg.LinAlgError`` if H is not finite, or singular where effects have no prior.
    """

    def __init__(self, products: Products, triangles: list[Floats]) -> None:
        self.crossing = products.crossing
        self.triangles = triangles
        cross, left, right = self.crossing.cross, triangles[0], triangles[1:]
        qa = left.shape[0]
        large = left.T @ products.large @ left
        large[:, range(qa), range(qa)] += 1.0
        if qa == 1:
            root = np.sqrt(large)
            self.whitener = 1.0 / root
        else:
            root = np.linalg.cholesky(large)
            self.whitener = np.linalg.inv(root)  # (P, qa, qa) lower
        self.half = cross.whitened(cross.scaled(products.cross, left, right), self.whitener)
        schur = self._small_scaled(products.small, right)
        schur[range(self.crossing.m), range(self.crossing.m)] += self.crossing.prior[self.crossing.split :]
        schur -= cross.gram(self.half)
        self.root = np.linalg.cholesky(schur)  # (m, m) lower
        diagonal = np.log(root[:, range(qa), range(qa)]).sum() + np.log(np.diagonal(self.root)).sum()
        self.log_determinant = 2.0 * float(diagonal)
        if not np.isfinite(self.log_determinant) or np.diagonal(self.root).min(initial=1.0) < SMALLEST_PIVOT:
            raise np.linalg.LinAlgError("the random-effects matrix is not finite or singular")

    def _small_scaled(self, small: Floats, right: list[Floats]) -> Floats:
        out = small.copy()
        for f, triangle in enumerate(right):
            L, q = self.crossing.small[f].shape
            part = slice(self.crossing.offsets[f], self.crossing.offsets[f] + L * q)
            if q == 1:
                out[part] *= triangle[0, 0]
                out[:, part] *= triangle[0, 0]
            else:
                out[part] = (triangle.T @ out[part].reshape(L, q, -1)).reshape(L * q, -1)
                out[:, part] = (out[:, part].reshape(-1, L, q) @ triangle).reshape(-1, L * q)
        return out

    def solve(self, vector: Floats) -> Floats:
        """H⁻¹ vector, flat."""
        P, qa = self.crossing.large.shape
        top, bottom = vector[: self.crossing.split].reshape(P, qa, 1), vector[self.crossing.split :]
        white = (self.whitener @ top)[:, :, 0]
        if self.crossing.m:
            right = bottom - self.crossing.cross.transposed_times(self.half, white)
            bottom = lapack.dpotrs(self.root, right, lower=1)[0]
            white = white - self.crossing.cross.times(self.half, bottom)
        top = self.whitener.transpose(0, 2, 1) @ white[:, :, None]
        return np.concatenate([top.ravel(), bottom])

    @cached_property
    def small_inverse(self) -> Floats:
        """The small block of H⁻¹ (m, m)."""
        if not self.crossing.m:
            return np.empty((0, 0))
        lower = np.tril(lapack.dpotri(self.root, lower=1)[0])
        return np.asarray(lower + np.tril(lower, -1).T)

    @cached_property
    def _cross_inverse(self) -> tuple[Floats, Floats]:
        """Minus the large-by-small block of H⁻¹, and the diagonal blocks (P, qa, qa) of its large block."""
        cross = self.crossing.cross
        back = self.whitener.transpose(0, 2, 1)
        product, within = cross.times_inverse(cross.whitened(self.half, back), self.small_inverse)
        return product, back @ self.whitener + within

    def level_blocks(self, f: int) -> Floats:
        """The blocks of H⁻¹ on its diagonal for factor f's levels (L, q, q)."""
        if f == 0:
            return self._cross_inverse[1]
        L, q = self.crossing.factors[f].shape
        start, diagonal = self.crossing.offsets[f - 1], np.arange(L)
        return self.small_inverse[start : start + L * q, start : start + L * q].reshape(L, q, L, q)[
            diagonal, :, diagonal
        ]

    def leverages(self, weight: Floats) -> tuple[Floats, list[Floats]]:
        """diag(ZΛH⁻¹ΛᵀZᵀ) (n,) and, per factor, Σ_rows w z (H⁻¹Λᵀz)ᵀ (q, q), which is H⁻¹ΛᵀC summed over levels."""
        crossing = self.crossing
        scaled = [
            [
                sum(factor.Z[:, i] * triangle[i, j] for i in range(j, triangle.shape[0]))
                for j in range(triangle.shape[0])
            ]
            for factor, triangle in zip(crossing.factors, self.triangles, strict=True)
        ]
        solved: list[list[Floats]] = [[np.zeros(len(weight)) for _ in factor.effects] for factor in crossing.factors]
        product, large = self._cross_inverse
        for j in range(len(crossing.large.effects)):
            for i in range(len(crossing.large.effects)):
                solved[0][j] += large[:, j, i].take(crossing.large.codes) * scaled[0][i]
            for f, factor in enumerate(crossing.small):
                for k in range(len(factor.effects)):
                    entry = crossing.cross.at_rows(product, f, j, k)
                    solved[0][j] -= entry * scaled[f + 1][k]
                    solved[f + 1][k] -= entry * scaled[0][j]
        for f, first in enumerate(crossing.small):
            for g, second in enumerate(crossing.small):
                self._add_small(solved[f + 1], scaled[g + 1], f, first, g, second)
        leverage = np.zeros(len(weight))
        traces = []
        for factor, rows, parts in zip(crossing.factors, scaled, solved, strict=True):
            for row, part in zip(rows, parts, strict=True):
                leverage += row * part
            traces.append((weight[:, None] * factor.Z).T @ np.stack(parts, axis=1))
        return leverage, traces

    def _add_small(
        self, solved: list[Floats], scaled: list[Floats], f: int, first: Factor, g: int, second: Factor
    ) -> None:
        offsets, inverse = self.crossing.offsets, self.small_inverse
        for j in range(len(first.effects)):
            for k in range(len(second.effects)):
                plane = inverse[
                    offsets[f] + j : offsets[f] + first.size : len(first.effects),
                    offsets[g] + k : offsets[g] + second.size : len(second.effects),
                ]
                if f == g:
                    entry = np.ascontiguousarray(np.diagonal(plane)).take(first.codes)
                else:
                    entry = plane.reshape(-1).take(first.codes * len(second.levels) + second.codes)
                solved[j] += entry * scaled[k]
