"""How alike two maps or images are: rank correlation, cosine, structural similarity; how concentrated one is."""

import torch
from torch import Tensor
from torch.nn import functional

from attribution.smoothing import blurred


def ranks(values: Tensor) -> Tensor:
    """Ranks (N, d) from 0 of values (N, d); ties share their mean rank."""
    ordered = values.sort(dim=1).values.contiguous()
    below = torch.searchsorted(ordered, values.contiguous())
    above = torch.searchsorted(ordered, values.contiguous(), right=True)
    middle: Tensor = (below + above - 1).double() / 2
    return middle


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation (N,) of (N, ...) and (N, ...); 0 where one of them is constant."""
    one, other = (values.flatten(1).double() for values in (a, b))
    one, other = one - one.mean(1, keepdim=True), other - other.mean(1, keepdim=True)
    found: Tensor = (one * other).sum(1) / (one.norm(dim=1) * other.norm(dim=1)).clamp(min=1e-30)
    return found


def rank_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Spearman's correlation (N,) of (N, ...) and (N, ...)."""
    return correlation(ranks(a.flatten(1)), ranks(b.flatten(1)))


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine (N,) of (N, ...) and (N, ...); 0 where one of them is 0."""
    one, other = (values.flatten(1).double() for values in (a, b))
    found: Tensor = (one * other).sum(1) / (one.norm(dim=1) * other.norm(dim=1)).clamp(min=1e-30)
    return found


def structural_similarity(a: Tensor, b: Tensor, *, span: float = 1.0) -> Tensor:
    """SSIM (N,) of images (N, C, H, W) whose values span ``span``: Gaussian windows of 1.5 pixels (Wang 2004)."""
    stable, steady = (0.01 * span) ** 2, (0.03 * span) ** 2
    mean_a, mean_b = blurred(a, 1.5), blurred(b, 1.5)
    var_a = blurred(a * a, 1.5) - mean_a**2
    var_b = blurred(b * b, 1.5) - mean_b**2
    covariance = blurred(a * b, 1.5) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + stable) / (mean_a**2 + mean_b**2 + stable)
    structure = (2 * covariance + steady) / (var_a + var_b + steady)
    return (luminance * structure).flatten(1).mean(1)


def unit_range(maps: Tensor) -> Tensor:
    """Maps (N, C, H, W), each brought to [0, 1] alone."""
    flat = maps.flatten(1)
    low, high = flat.min(1).values, flat.max(1).values
    return (maps - low.view(-1, 1, 1, 1)) / (high - low).clamp(min=1e-30).view(-1, 1, 1, 1)


def gini(maps: Tensor) -> Tensor:
    """How concentrated absolute values (N, ...) are: 0 all alike, near 1 all in one pixel (N,)."""
    ordered = maps.flatten(1).abs().double().sort(dim=1).values
    d = ordered.shape[1]
    weights = 2 * torch.arange(1, d + 1, device=ordered.device) - d - 1
    return (ordered * weights).sum(1) / (d * ordered.sum(1)).clamp(min=1e-30)


def pooled(maps: Tensor, cells: int) -> Tensor:
    """One number a cell of a grid (N, 1, cells, cells): the mean absolute value; ``cells`` 0 leaves the pixels."""
    strength = maps.abs().mean(1, keepdim=True)
    return strength if cells == 0 else functional.adaptive_avg_pool2d(strength, cells)
