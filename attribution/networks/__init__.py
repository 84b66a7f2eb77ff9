"""Networks: images in [0, 1] (N, 3, H, W) -> logits (N, K); normalisation inside, evaluating, frozen.

A plug-in here is one way to come by a network: ``load(checkpoint, *, ...) -> Network``.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from attribution.view import View as View

VERB = "load"


class NetworkError(ValueError):
    """A checkpoint or its labels cannot be used; the message says why and what would do."""


class Network(nn.Module):
    """A frozen classifier with its normalisation inside: images in [0, 1] (N, 3, H, W) -> logits (N, K)."""

    mean: Tensor
    std: Tensor

    def __init__(
        self, model: nn.Module, *, labels: Sequence[str], mean: Sequence[float], std: Sequence[float], view: View
    ) -> None:
        super().__init__()
        self.model = model
        self.labels = tuple(labels)
        self.view = view
        self.chunk = 16  # how many images go through at once; halved by `chunked` when memory runs out
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        self.eval()
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model((images - self.mean) / self.std)  # (N, K)
        return logits

    @property
    def device(self) -> torch.device:
        return self.mean.device


def randomized(network: Network, *, seed: int) -> Network:
    """A copy whose every weight tensor is shuffled within itself and whose channels are then made to respond again.

    Adebayo et al. 2018 (arXiv 1810.03292) draw fresh weights; shuffling keeps each tensor's distribution. Alone it
    leaves scores that hardly depend on the image, for learned means and biases no longer fit: so each channel is
    centred on noise with the spectrum of photos and given the spread that its layer had there; batch normalisation
    measures anew, its biases centred (a data-dependent initialisation, Krähenbühl et al. 2016, arXiv 1511.06856).
    Nothing else is kept.
    """
    shuffled = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in shuffled.model.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
        noise = _photo_like_noise(8, network, generator)
        spreads: dict[str, Tensor] = {}

        def note(name: str, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            spreads[name] = _by_channel(layer, output).std(dim=1).mean()

        def revive(name: str, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            return _revived(layer, inputs[0], output, spreads[name])

        for copied, hook in ((network, note), (shuffled, revive)):
            with _hooked(copied, hook):
                copied(noise)
    return shuffled


def _revived(layer: nn.Module, inputs: Tensor, output: Tensor, spread: Tensor) -> Tensor:
    """What goes on to the next layer once this one's parameters are rescaled and its channels centred."""
    if isinstance(layer, nn.BatchNorm2d):
        layer.running_mean = inputs.mean(dim=(0, 2, 3))
        layer.running_var = inputs.var(dim=(0, 2, 3))
        if layer.affine:  # learned to be mostly negative, which would silence a plain image wholly
            layer.bias.sub_(layer.bias.mean())
    else:
        channels = _by_channel(layer, output)  # (C, M)
        scale = spread / channels.std(dim=1).clamp(min=1e-6)
        parameters = dict(layer.named_parameters())
        parameters["weight"].mul_(scale.view(-1, *[1] * (parameters["weight"].dim() - 1)))
        parameters["bias"].sub_(channels.mean(dim=1)).mul_(scale)
    revived: Tensor = layer.forward(inputs)
    return revived


def _by_channel(layer: nn.Module, output: Tensor) -> Tensor:
    """(N, C, H, W) of a convolution, or (..., C) of a linear layer -> (C, M)."""
    return output.movedim(-1 if isinstance(layer, nn.Linear) else 1, 0).flatten(1)


@contextmanager
def _hooked(network: Network, hook: Callable[..., Tensor | None]) -> Iterator[None]:
    """Call ``hook(name, layer, inputs, output)`` after each layer whose channels have a mean of their own to lose."""
    handles = [
        layer.register_forward_hook(partial(hook, name))
        for name, layer in network.model.named_modules()
        if isinstance(layer, nn.BatchNorm2d) or (isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _photo_like_noise(count: int, network: Network, generator: torch.Generator) -> Tensor:
    """Noise (count, 3, S, S) in [0, 1] whose amplitude falls as 1/f as in photos, from the mean image to full contrast.

    Noise of full contrast alone would leave the mean image, where ascents begin, on the dead side of every ReLU.
    """
    size = network.view.size
    frequency = torch.hypot(torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None, :])
    amplitude = 1 / frequency.clamp(min=1 / size)
    spectrum = torch.fft.rfft2(torch.randn(count, 3, size, size, generator=generator)) * amplitude
    noise = torch.fft.irfft2(spectrum, s=(size, size))
    contrast = 0.2 * torch.linspace(0, 1, count).view(-1, 1, 1, 1) ** 3
    images: Tensor = network.mean.cpu() + contrast * noise / noise.std(dim=(1, 2, 3), keepdim=True)
    return images.clamp(0, 1).to(network.device)
