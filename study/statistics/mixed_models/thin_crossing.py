"""The large-by-small block of a large, thin crossing, by its occupied cells only."""

import numpy as np
from scipy import sparse

from study.statistics.mixed_models.design import Factor, Floats, Integers

CHUNK = 2_000_000  # numbers gathered at once


class ThinCross:
    """The large-by-small block as the data of a sparse matrix (P qa, m); each level's qa rows share one pattern."""

    def __init__(self, large: Factor, small: tuple[Factor, ...], offsets: list[int]) -> None:
        self.levels, self.qa = large.shape
        self.small = small
        self.m = sum(factor.size for factor in small)
        self.row_cell: list[Integers] = []  # per small factor: each data row's cell (n,)
        places: list[tuple[Integers, Integers]] = []
        self.cell_count: list[int] = []
        for factor, offset in zip(small, offsets, strict=True):
            cells, inverse = np.unique(large.codes * len(factor.levels) + factor.codes, return_inverse=True)
            owner, level = np.divmod(cells, len(factor.levels))
            self.row_cell.append(inverse.astype(np.intp))
            self.cell_count.append(len(cells))
            places.append((owner, offset + level * len(factor.effects)))
        rows, columns = [], []
        for (owner, column), factor in zip(places, small, strict=True):
            for j in range(self.qa):
                for k in range(len(factor.effects)):
                    rows.append(owner * self.qa + j)
                    columns.append(column + k)
        entries = sum(len(part) for part in rows)
        numbered = sparse.csr_array(
            (np.arange(1, entries + 1), (np.concatenate(rows), np.concatenate(columns))),
            shape=(self.levels * self.qa, self.m),
        )
        numbered.sort_indices()
        self.indices, self.indptr = numbered.indices.astype(np.int32), numbered.indptr.astype(np.int32)
        position = np.empty(entries, dtype=np.intp)
        position[numbered.data - 1] = np.arange(entries)
        self.place: dict[tuple[int, int, int], Integers] = {}  # (factor, j, k): the cells' places in the data
        start = 0
        for f, factor in enumerate(small):
            for j in range(self.qa):
                for k in range(len(factor.effects)):
                    self.place[f, j, k] = position[start : start + self.cell_count[f]]
                    start += self.cell_count[f]
        self.size = entries
        self.row_of = np.repeat(np.arange(self.levels * self.qa), np.diff(self.indptr))
        self.groups = self._groups()

    def _groups(self) -> list[tuple[Integers, Integers, Integers]]:
        """Levels with equally many columns: they (g,), the places of their data (g, qa, k), their columns (g, k)."""
        counts = np.diff(self.indptr)[:: self.qa]
        groups: list[tuple[Integers, Integers, Integers]] = []
        for count in np.unique(counts[counts > 0]):
            levels = np.flatnonzero(counts == count)
            for chunk in np.array_split(levels, max(1, -(-len(levels) * int(count) ** 2 // CHUNK))):
                flat = self.indptr[chunk * self.qa].astype(np.intp)[:, None] + np.arange(self.qa * count)
                places = flat.reshape(len(chunk), self.qa, count)
                columns = self.indices[places[:, 0, :]].astype(np.intp)
                groups.append((np.asarray(chunk), np.asarray(places), np.asarray(columns)))
        return groups

    def _matrix(self, data: Floats) -> sparse.csr_array:
        return sparse.csr_array((data, self.indices, self.indptr), shape=(self.levels * self.qa, self.m))

    def products(self, weighted: list[Floats]) -> Floats:
        data = np.empty(self.size)
        for (f, j, k), place in self.place.items():
            data[place] = np.bincount(self.row_cell[f], weighted[j] * self.small[f].Z[:, k], self.cell_count[f])
        return data

    def scaled(self, block: Floats, left: Floats, right: list[Floats]) -> Floats:
        out = np.zeros(self.size)
        for (f, j, k), place in self.place.items():
            for i in range(j, self.qa):
                for h in range(k, right[f].shape[0]):
                    if left[i, j] != 0.0 and right[f][h, k] != 0.0:
                        out[place] += left[i, j] * right[f][h, k] * block[self.place[f, i, h]]
        return out

    def whitened(self, block: Floats, blocks: Floats) -> Floats:
        if self.qa == 1:
            return np.asarray(block * blocks[:, 0, 0].take(self.row_of))
        out = np.empty(self.size)
        for levels, places, _ in self.groups:
            out[places] = blocks[levels] @ block[places]
        return out

    def gram(self, block: Floats) -> Floats:
        matrix = self._matrix(block)
        return np.asarray((matrix.T @ matrix).toarray())

    def times(self, block: Floats, vector: Floats) -> Floats:
        return np.asarray((self._matrix(block) @ vector).reshape(self.levels, self.qa))

    def transposed_times(self, block: Floats, matrix: Floats) -> Floats:
        return np.asarray(self._matrix(block).T @ matrix.reshape(-1))

    def times_inverse(self, block: Floats, inverse: Floats) -> tuple[Floats, Floats]:
        product = np.empty(self.size)
        within = np.zeros((self.levels, self.qa, self.qa))
        for levels, places, columns in self.groups:
            piece = block[places]
            result = piece @ inverse[columns[:, :, None], columns[:, None, :]]
            product[places] = result
            within[levels] = result @ piece.transpose(0, 2, 1)
        return product, within

    def at_rows(self, block: Floats, f: int, j: int, k: int) -> Floats:
        return np.asarray(block.take(self.place[f, j, k]).take(self.row_cell[f]))
