"""The large-by-small block of a small or full crossing, as one array."""

import numpy as np

from study.statistics.mixed_models.design import Factor, Floats


class DenseCross:
    """The large-by-small block as an array (P, qa, m)."""

    def __init__(self, large: Factor, small: tuple[Factor, ...], offsets: list[int]) -> None:
        self.levels, self.qa = large.shape
        self.small, self.offsets = small, offsets
        self.m = sum(factor.size for factor in small)
        self.cells = [large.codes * len(factor.levels) + factor.codes for factor in small]

    def _columns(self, f: int, k: int) -> slice:
        factor = self.small[f]
        return slice(self.offsets[f] + k, self.offsets[f] + factor.size, len(factor.effects))

    def products(self, weighted: list[Floats]) -> Floats:
        """Σ over rows of w z_j z_k by cell; weighted: per effect of the large factor w z_j (n,)."""
        block = np.empty((self.levels, self.qa, self.m))
        for f, factor in enumerate(self.small):
            size = self.levels * len(factor.levels)
            for j in range(self.qa):
                for k in range(len(factor.effects)):
                    sums = np.bincount(self.cells[f], weighted[j] * factor.Z[:, k], size)
                    block[:, j, self._columns(f, k)] = sums.reshape(self.levels, -1)
        return block

    def scaled(self, block: Floats, left: Floats, right: list[Floats]) -> Floats:
        """Λaᵀ block Λb."""
        out = np.empty_like(block)
        for f, factor in enumerate(self.small):
            L, q = factor.shape
            part = slice(self.offsets[f], self.offsets[f] + factor.size)
            piece = block[:, :, part]
            if q == 1:
                out[:, :, part] = piece * right[f][0, 0]
            else:
                out[:, :, part] = (piece.reshape(self.levels, self.qa, L, q) @ right[f]).reshape(piece.shape)
        return out * left[0, 0] if self.qa == 1 else np.asarray(left.T @ out)

    def whitened(self, block: Floats, blocks: Floats) -> Floats:
        """blocks (P, qa, qa) times the block, level by level."""
        return block * blocks if self.qa == 1 else np.asarray(blocks @ block)

    def gram(self, block: Floats) -> Floats:
        flat = block.reshape(self.levels * self.qa, self.m)
        return np.asarray(flat.T @ flat)

    def times(self, block: Floats, vector: Floats) -> Floats:
        """(P, qa) = block @ vector (m,)."""
        return np.asarray(block @ vector)

    def transposed_times(self, block: Floats, matrix: Floats) -> Floats:
        """(m,) = blockᵀ @ (P, qa)."""
        return np.asarray(block.reshape(self.levels * self.qa, self.m).T @ matrix.reshape(-1))

    def times_inverse(self, block: Floats, inverse: Floats) -> tuple[Floats, Floats]:
        """block @ inverse (m, m), and its product with the block's transpose within each level (P, qa, qa)."""
        product = (block.reshape(self.levels * self.qa, self.m) @ inverse).reshape(block.shape)
        if self.qa == 1:
            return product, np.einsum("pim,pim->p", product, block)[:, None, None]
        return product, product @ block.transpose(0, 2, 1)

    def at_rows(self, block: Floats, f: int, j: int, k: int) -> Floats:
        """The entry of each row's own cell (n,)."""
        plane = block[:, j, self._columns(f, k)]
        return np.asarray(plane.reshape(-1).take(self.cells[f]))
