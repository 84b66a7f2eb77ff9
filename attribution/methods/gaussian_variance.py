"""Variance under Gaussian noise, closed form.

How much of the scalar's variance under N(0, s²) on the cells of a grid is each cell's. From the Hermite coefficients
g and H (Stein's lemma): alone (``main``) s² g_i² + s⁴ H_ii²/2, with its interactions (``total``) + s⁴ Σ_j H_ij², which
is exact for quadratics and else a lower bound. ``upper`` is s² E[g_i²], an upper bound of the total (Sobol & Kucherenko
2009). Squares are products of two independent halves of the samples, so they have no bias and may be negative.
"""

from collections.abc import Sequence

from torch import Tensor

from attribution.curvature import agreement, stein
from attribution.methods import Attributed
from attribution.networks import Network
from attribution.smoothing import on_pixels
from attribution.targets import Target

VERSION = 1
PASSES = "GRADIENT * samples"


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    term: str = "total",
    deviation: float = 0.1,
    grid: int = 8,
    samples: int = 640,
) -> Tensor | Attributed:
    """Maps (N, 1, H, W) in squared units of the scalar; ``term`` is main, total or upper; ``samples`` passes.

    ``deviation`` is s, in units of the image's own [0, 1]; the cells of the grid shift all their pixels alike.
    """
    if term not in ("main", "total", "upper"):
        raise ValueError(f"There is no term “{term}”; there are: main, total, upper.")
    found = stein(
        network,
        images,
        targets,
        seed=seed,
        samples=samples,
        deviation=deviation,
        grid=grid,
        full=term == "total",
    )
    s2 = deviation**2
    if term == "upper":
        variance = s2 * found.squares
    else:
        variance = s2 * found.gradient[0] * found.gradient[1]
        variance = variance + s2**2 / 2 * found.diagonal[0] * found.diagonal[1]
        if found.hessian is not None:
            products = found.hessian[0] * found.hessian[1]  # (N, d, d)
            others = products.sum(2) - products.diagonal(dim1=1, dim2=2)
            variance = variance + s2**2 * others.view_as(variance)
    notes = [
        {"negative_share": float(one.lt(0).float().mean()), "split_half_correlation": correlation}
        for one, correlation in zip(variance, agreement(found.gradient), strict=True)
    ]
    maps = variance.sum(1, keepdim=True)
    return Attributed(on_pixels(maps, *images.shape[-2:]) if grid else maps, notes)
