"""How well a simple model of a scalar around an image tells what the network does there."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from attribution.networks import Network
from attribution.scores import chunked, gradients, scores
from attribution.smoothing import noise, on_pixels, over_samples
from attribution.targets import Target

Model = Callable[[Tensor, Tensor], Tensor]  # rows (B,), e (B, C, h, w) -> what the scalar should be (B,)


def perturbed(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    models: Mapping[str, Model],
    *,
    seed: int,
    deviation: float,
    samples: int,
    grid: int = 0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The scalar (N, samples) at image + e, e ~ N(0, deviation²), and what each model says of it.

    Not clipped, in units of the image's own [0, 1]; with ``grid`` the noise shifts whole cells. The same seed draws the
    same directions at every deviation.
    """
    true = torch.zeros(len(images), samples, dtype=torch.float64)
    said = {name: torch.zeros_like(true) for name in models}

    def use(rows: Tensor, numbers: list[int], draws: Tensor) -> None:
        e = deviation * draws
        shift = on_pixels(e, images.shape[-2], images.shape[-1]) if grid else e
        index = (rows.cpu(), torch.tensor(numbers))
        with torch.no_grad():
            values = scores(network, images[rows] + shift, [targets[row] for row in rows.tolist()])
            true[index] = values.double().cpu()
            for name, model in models.items():
                said[name][index] = model(rows, e).double().cpu()

    def stream(row: int) -> Iterator[Tensor]:
        return noise(seed, images[row], grid=grid)

    over_samples(network, images, samples, stream, use)
    return true, said


def tangent(network: Network, images: Tensor, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
    """The scalars (N,) and their derivatives (N, 3, H, W) at the images."""

    def both(part: slice) -> Tensor:
        values, slopes = gradients(network, images[part], targets[part])
        return torch.cat([values[:, None], slopes.flatten(1)], dim=1)

    found = chunked(network, both, len(images))
    return found[:, 0], found[:, 1:].view_as(images)


def explained(true: Tensor, said: Tensor) -> list[float | None]:
    """R² of each image: 1 - the mean squared error over the variance; None where the scalar does not vary."""
    error = (true - said).square().mean(1)
    variance = true.var(1, unbiased=False)
    return [
        1 - float(one) / float(all_) if float(all_) > 1e-20 else None for one, all_ in zip(error, variance, strict=True)
    ]
