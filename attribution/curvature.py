"""Second derivatives of a scalar: exact where the network is smooth, and of its Gaussian average where it is not.

A ReLU network's logit is piecewise affine: its Hessian is 0 almost everywhere. With e ~ N(0, s² I) Stein's lemma gives
g_s = E ∇S(x+e) and H_s = E[∇S(x+e) eᵀ] / s², the best linear and quadratic coefficients under that noise (SmoothHess,
Torop et al. 2023, https://arxiv.org/abs/2306.09618).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import chunked, scores
from attribution.smoothing import noisy_gradients
from attribution.targets import Target

GRID_LIMIT = 16  # cells a side: d <= 256, beyond which a full Hessian is more noise than estimate


class FlatHessianError(ValueError):
    """The scalar has no curvature at the point itself; the message says why and what has."""


@dataclass(frozen=True)
class Stein:
    """Estimates from two independent halves of the samples, in the variables of the noise (C, h, w), d of them."""

    gradient: tuple[Tensor, Tensor]  # (N, C, h, w) each: g_s
    diagonal: tuple[Tensor, Tensor]  # (N, C, h, w) each: diag H_s
    squares: Tensor  # (N, C, h, w): the mean of the squared derivatives, of both halves
    hessian: tuple[Tensor, Tensor] | None  # (N, d, d) each, symmetric; where it was asked for


def agreement(halves: tuple[Tensor, Tensor]) -> list[float]:
    """The correlation of two halves (N, ...) over the entries of each of N estimates; near 0 they are noise."""
    one, other = (half.flatten(1) - half.flatten(1).mean(1, keepdim=True) for half in halves)
    norms = (one.square().sum(1) * other.square().sum(1)).sqrt().clamp(min=1e-30)
    correlations: list[float] = ((one * other).sum(1) / norms).tolist()
    return correlations


def stein(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    samples: int,
    deviation: float,
    grid: int,
    full: bool = False,
) -> Stein:
    """Antithetic estimates from ``samples`` derivatives (a multiple of 4); ``grid`` 0 is every pixel and colour alone.

    ``full`` also estimates the whole Hessian, of a grid's at most 256 cells and from at least 10 samples a cell.
    """
    if samples < 4 or samples % 4:
        raise ValueError(f"Two halves of antithetic pairs need a number of samples that 4 divides; got {samples}.")
    if full and not 1 <= grid <= GRID_LIMIT:
        raise ValueError(f"A full Hessian is estimated on a grid of 1 to {GRID_LIMIT} cells a side; got {grid}.")
    if full and samples < 10 * grid**2:
        raise ValueError(
            f"{samples} samples are too few for a Hessian of {grid**2} cells, whose estimate would be noise: "
            f"take at least {-(-10 * grid**2 // 4) * 4} samples or a coarser grid."
        )
    shape = (len(images), 1, grid, grid) if grid else tuple(images.shape)
    gradient, diagonal = (torch.zeros(2, *shape, device=images.device) for _ in range(2))
    squares = torch.zeros(shape, device=images.device)
    cells = grid**2 if full else 0
    hessian = torch.zeros(2, len(images), cells, cells, device=images.device)

    def add(rows: Tensor, numbers: list[int], e: Tensor, derivatives: Tensor) -> None:
        halves = torch.tensor([number // 2 % 2 for number in numbers], device=images.device)
        for half in (0, 1):
            chosen = halves == half
            where = rows[chosen]
            gradient[half].index_add_(0, where, derivatives[chosen])
            diagonal[half].index_add_(0, where, derivatives[chosen] * e[chosen])
            if full:
                products = derivatives[chosen].flatten(1)[:, :, None] * e[chosen].flatten(1)[:, None, :]
                hessian[half].index_add_(0, where, products)
        squares.index_add_(0, rows, derivatives.square())

    noisy_gradients(
        network,
        images,
        targets,
        add,
        seed=seed,
        samples=samples,
        deviation=deviation,
        antithetic=True,
        grid=grid,
    )
    each = samples / 2
    gradient /= each
    diagonal /= each * deviation**2
    hessian = (hessian + hessian.mT) / (2 * each * deviation**2)
    return Stein(
        gradient=(gradient[0], gradient[1]),
        diagonal=(diagonal[0], diagonal[1]),
        squares=squares / samples,
        hessian=(hessian[0], hessian[1]) if full else None,
    )


class _TwiceDifferentiable(TorchFunctionMode):
    """While entered, what torch can derive only once is asked of functions that it can derive twice.

    That is MobileNetV3's hardsigmoid; of the kinds of attention, only the plain one (``SDPBackend.MATH``) will do.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.hardsigmoid:
            values: Tensor = args[0] if args else kwargs["input"]
            return functional.relu6(values + 3) / 6
        return func(*args, **(kwargs or {}))


def hessian_products(network: Network, images: Tensor, targets: Sequence[Target], vectors: Tensor) -> Tensor:
    """H v (N, 3, H, W) of each image's scalar at the image itself, by a second backward pass; unchunked.

    Raises FlatHessianError where it is 0 for every image, as it is for the logit of a ReLU network.
    """
    with torch.enable_grad(), _TwiceDifferentiable(), sdpa_kernel(SDPBackend.MATH):
        inputs = images.detach().requires_grad_()
        (first,) = torch.autograd.grad(scores(network, inputs, targets).sum(), inputs, create_graph=True)
        along = (first * vectors).sum()
        products = torch.autograd.grad(along, inputs, allow_unused=True)[0] if along.requires_grad else None
    if products is None or not products.any():
        raise FlatHessianError(
            "The second derivative of this scalar is 0: a network of ReLUs is piecewise affine, so a Taylor term of "
            "order two says nothing. A deviation above 0 gives the smoothed form: the curvature of a Gaussian average."
        )
    return products


def softmax_products(network: Network, images: Tensor, vectors: Tensor) -> Tensor:
    """-Jᵀ(diag p - p pᵀ)J v (N, 3, H, W) of the logits' derivatives J in each image and v (N, 3, H, W); unchunked.

    What the softmax adds to the second derivative of log p, and all of it on a ReLU network, whose logits have none.
    It vanishes as p -> 1. It is the same for every class (Singla et al. 2019, https://arxiv.org/abs/1902.00407).
    """
    with torch.enable_grad(), _TwiceDifferentiable(), sdpa_kernel(SDPBackend.MATH):
        inputs = images.detach().requires_grad_()
        logits = network(inputs)  # (N, K)
        weights = torch.zeros_like(logits, requires_grad=True)
        # What goes back, Jᵀw, is linear in w: its derivative in w along v is J v, from backward passes alone.
        (back,) = torch.autograd.grad(logits, inputs, weights, create_graph=True)
        (slopes,) = torch.autograd.grad((back * vectors).sum(), weights, retain_graph=True)  # J v, (N, K)
        slopes = slopes - slopes.gather(1, logits.argmax(1, keepdim=True))  # equal but for rounding where p is near 1
        p = logits.detach().softmax(1)
        bent = p * ((p * slopes).sum(1, keepdim=True) - slopes)
        (products,) = torch.autograd.grad(logits, inputs, bent)
    return products


def hessian_diagonal(
    network: Network, images: Tensor, targets: Sequence[Target], *, seed: int, samples: int
) -> tuple[Tensor, Tensor]:
    """Hutchinson's estimate of diag H (N, 3, H, W) at the images, from random signs; two independent halves."""
    if samples < 2 or samples % 2:
        raise ValueError(f"Two halves need an even number of samples; got {samples}.")

    def work(part: slice) -> Tensor:
        some = images[part]
        numbers = [generator(seed, image) for image in some]
        halves = torch.zeros(2, *some.shape, device=some.device)
        for sample in range(samples):
            signs = torch.stack(
                [torch.randint(0, 2, one.shape, generator=g) for one, g in zip(some, numbers, strict=True)]
            )
            vectors = (2 * signs - 1).to(some)
            halves[sample % 2] += vectors * hessian_products(network, some, targets[part], vectors) / (samples / 2)
        return halves.transpose(0, 1)  # (B, 2, 3, H, W)

    found = chunked(network, work, len(images))
    return found[:, 0], found[:, 1]
