"""Gaussian blur, and the gradients of a network under Gaussian noise, one chunk of samples in memory at a time."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import chunked, gradients
from attribution.targets import Target


def blurred(images: Tensor, deviation: float) -> Tensor:
    """Images (N, C, H, W) convolved with a Gaussian of ``deviation`` pixels, borders mirrored; 0 leaves them."""
    if deviation <= 0:
        return images
    radius = max(int(3 * deviation + 0.5), 1)
    places = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    weights = (-0.5 * (places / deviation) ** 2).exp()
    weights = weights / weights.sum()
    channels = images.shape[1]
    for axis in (2, 3):
        size = images.shape[axis]
        mirrored = (torch.arange(-radius, size + radius, device=images.device) % (2 * size)).long()
        mirrored = torch.minimum(mirrored, 2 * size - 1 - mirrored)  # ... 1 0 | 0 1 2 ... also where radius > size
        kernel = weights.view(1, 1, -1, 1) if axis == 2 else weights.view(1, 1, 1, -1)
        images = functional.conv2d(
            images.index_select(axis, mirrored), kernel.expand(channels, 1, -1, -1), groups=channels
        )
    return images


def noise(seed: int, image: Tensor, *, antithetic: bool = False, grid: int = 0) -> Iterator[Tensor]:
    """Standard normal draws of an image's shape (3, H, W), or (1, grid, grid) where a grid is named, without end.

    They depend on seed and image alone. With ``antithetic`` each draw is followed by its negative.
    """
    shape = (1, grid, grid) if grid else tuple(image.shape)
    numbers = generator(seed, image)
    while True:
        draw = torch.randn(shape, generator=numbers).to(image.device)
        yield draw
        if antithetic:
            yield -draw


def over_samples(
    network: Network,
    images: Tensor,
    samples: int,
    stream: Callable[[int], Iterator[Tensor]],
    use: Callable[[Tensor, list[int], Tensor], None],
) -> None:
    """Call ``use(rows, numbers, draws)`` over all samples of all images; memory holds one chunk of them.

    ``stream(row)`` yields the draws of an image in order; ``rows`` (B,) says which image a draw belongs to, ``numbers``
    which of its samples it is.
    """
    streams = [stream(row) for row in range(len(images))]
    drawn: dict[int, Tensor] = {}  # kept until used, so that a chunk begun again after memory ran out draws the same

    def work(part: slice) -> Tensor:
        pairs = range(part.start, part.stop)
        for pair in pairs:
            if pair not in drawn:
                drawn[pair] = next(streams[pair // samples])
        rows = torch.tensor([pair // samples for pair in pairs], device=images.device)
        use(rows, [pair % samples for pair in pairs], torch.stack([drawn[pair] for pair in pairs]))
        for pair in pairs:
            del drawn[pair]
        return images.new_zeros(0)

    if samples < 1:
        raise ValueError("At least one sample is needed.")
    chunked(network, work, len(images) * samples)


def noisy_gradients(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    use: Callable[[Tensor, list[int], Tensor, Tensor], None],
    *,
    seed: int,
    samples: int,
    deviation: float,
    antithetic: bool = False,
    grid: int = 0,
) -> None:
    """Call ``use(rows, numbers, e, derivatives)`` for e ~ N(0, deviation²) and the derivatives in e at image + e.

    Noise is in the image's own [0, 1] units and not clipped (Stein's lemma needs that). With ``grid`` the noise shifts
    whole cells of a grid x grid, all colours alike, and e and its derivatives are (B, 1, grid, grid).
    """
    if deviation <= 0:
        raise ValueError(f"The noise needs a deviation above 0, in units of the image's own [0, 1]; got {deviation}.")
    if grid and not 1 <= grid <= min(images.shape[-2:]):
        raise ValueError(f"A grid of {grid} x {grid} cells does not fit an image of {tuple(images.shape[-2:])} pixels.")

    def work(rows: Tensor, numbers: list[int], draws: Tensor) -> None:
        e = deviation * draws
        shift = on_pixels(e, images.shape[-2], images.shape[-1]) if grid else e
        _, derivatives = gradients(network, images[rows] + shift, [targets[row] for row in rows.tolist()])
        use(rows, numbers, e, in_cells(derivatives, grid) if grid else derivatives)

    def stream(row: int) -> Iterator[Tensor]:
        return noise(seed, images[row], antithetic=antithetic, grid=grid)

    over_samples(network, images, samples, stream, work)


def on_pixels(cells: Tensor, height: int, width: int) -> Tensor:
    """A grid (N, C, g, g) as (N, C, height, width): every pixel has its cell's value."""
    rows, columns = _cells(height, cells.shape[-2], cells), _cells(width, cells.shape[-1], cells)
    return cells[:, :, rows][:, :, :, columns]


def in_cells(derivatives: Tensor, grid: int) -> Tensor:
    """Derivatives in pixels (N, 3, H, W) -> in the common shift of each cell (N, 1, grid, grid): their sums."""
    height, width = derivatives.shape[-2:]
    total = derivatives.sum(1)  # (N, H, W)
    by_row = total.new_zeros(len(total), grid, width).index_add_(1, _cells(height, grid, total), total)
    by_cell = by_row.new_zeros(len(total), grid, grid).index_add_(2, _cells(width, grid, total), by_row)
    return by_cell[:, None]


def _cells(length: int, grid: int, like: Tensor) -> Tensor:
    """Which of ``grid`` cells each of ``length`` pixels lies in."""
    return torch.arange(length, device=like.device) * grid // length
