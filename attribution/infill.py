"""Squares of an image drawn anew from what surrounds them: Zintgraf et al. 2017, https://arxiv.org/abs/1702.04595."""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

MOST_PATCHES = 4000  # of one image, to learn the model from
MOST_PIXELS = 64  # a side, margins included: three covariances of 64**2 pixels take 400 MB


@dataclass
class Patches:
    """A Gaussian model of an image's patches: squares drawn given a margin of a quarter of a side around them.

    A square that is too large for a model of all its pixels together is drawn coarser, and enlarged.
    """

    image: Tensor  # (3, H, W)
    side: int
    numbers: torch.Generator
    conditionals: dict[tuple[int, int], tuple[Tensor, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.coarseness = -(-(self.side + 2 * max(self.side // 4, 1)) // MOST_PIXELS)
        if self.coarseness > 1:
            self.image = functional.avg_pool2d(self.image[None], self.coarseness, ceil_mode=True)[0]
        self.small = -(-self.side // self.coarseness)
        self.margin = max(self.small // 4, 1)
        outer = self.small + 2 * self.margin
        height, width = self.image.shape[-2:]
        self.height, self.width = min(outer, height), min(outer, width)
        pixels = self.image.flatten(1).double()
        # Colours go together; along the axes of this image's own colours they do not, and can be drawn one by one.
        self.axes = torch.linalg.eigh(torch.cov(pixels)).eigenvectors  # (3, 3), columns
        self.turned = (self.axes.T @ pixels).view(self.image.shape)
        patches = self.turned.unfold(1, self.height, 1).unfold(2, self.width, 1)  # (3, rows, columns, h, w)
        every = patches.shape[1] * patches.shape[2]
        chosen = torch.randperm(every, generator=self.numbers)[:MOST_PATCHES].to(self.image.device)
        known = patches[:, chosen // patches.shape[2], chosen % patches.shape[2]].flatten(2)  # (3, n, h w)
        self.mean = known.mean(1)  # (3, h w)
        centred = known - self.mean[:, None]
        # A little white noise, as of one grey level, keeps the covariance of few or flat patches invertible.
        ridge = torch.eye(known.shape[2], device=known.device, dtype=known.dtype) / 255**2
        self.covariance = centred.mT @ centred / max(known.shape[1] - 1, 1) + ridge

    def draw(self, top: int, left: int) -> Tensor:
        """A square (3, side, side) for this place given what surrounds it, clipped to [0, 1]."""
        height, width = self.image.shape[-2:]
        top, left = min(top // self.coarseness, height - self.small), min(left // self.coarseness, width - self.small)
        first = min(max(top - self.margin, 0), height - self.height)
        start = min(max(left - self.margin, 0), width - self.width)
        inner = self._inner(top - first, left - start)
        weights, root = self._conditional(top - first, left - start, inner)
        around = self.turned[:, first : first + self.height, start : start + self.width].flatten(1)
        surprise = (around - self.mean)[:, ~inner]  # (3, m)
        noise = torch.randn(3, int(inner.sum()), 1, generator=self.numbers, dtype=torch.float64).to(root.device)
        patch = self.mean[:, inner] + (weights @ surprise[:, :, None] + root @ noise)[:, :, 0]
        drawn: Tensor = (self.axes @ patch).clamp(0, 1).to(self.image).view(3, self.small, self.small)
        if self.coarseness == 1:
            return drawn
        return functional.interpolate(drawn[None], size=(self.side, self.side), mode="bilinear")[0]

    def _inner(self, top: int, left: int) -> Tensor:
        mask = torch.zeros(self.height, self.width, dtype=torch.bool, device=self.image.device)
        mask[top : top + self.small, left : left + self.small] = True
        return mask.flatten()

    def _conditional(self, top: int, left: int, inner: Tensor) -> tuple[Tensor, Tensor]:
        """What the surroundings weigh (3, k, m), and a root (3, k, k) of the covariance that they leave."""
        if (top, left) not in self.conditionals:
            within = self.covariance[:, inner][:, :, inner]
            across = self.covariance[:, inner][:, :, ~inner]
            outside = self.covariance[:, ~inner][:, :, ~inner]
            weights = torch.linalg.solve(outside, across.mT).mT
            left_over = within - weights @ across.mT
            self.conditionals[top, left] = (weights, torch.linalg.cholesky((left_over + left_over.mT) / 2))
        return self.conditionals[top, left]
