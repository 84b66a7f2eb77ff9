"""What an ascent prefers besides the score: priors on images, each its variables, its cost and its place to settle."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from attribution.networks import Network
from attribution.randomness import generator
from attribution.smoothing import blurred
from attribution.spectrum import filtered, frequencies

PRIORS = ("none", "l2", "tv", "blur", "jitter", "fourier", "phase")


@dataclass(frozen=True)
class Prior:
    """``decode`` makes images (n, 3, S, S) of the variables that are climbed from ``start``."""

    start: Tensor
    decode: Callable[[Tensor], Tensor]
    cost: Callable[[Tensor], Tensor]  # images -> (n,), taken off the score
    shown: Callable[[Tensor, int], Tensor]  # images, step -> what the network sees then
    settle: Callable[[Tensor], Tensor]  # variables after a step -> where they may be
    longest: float  # multiple of the gradient beyond which a step only oscillates
    words: str
    clipping: str


def prior(
    name: str,
    network: Network,
    *,
    seed: int,
    restarts: int,
    noise: float,
    penalty: float,
    blur: float,
    jitter: int,
    clip: bool,
    template: Tensor | None = None,
) -> Prior:
    """The named prior for ``restarts`` images; raises ValueError for another name.

    none; l2: penalty |x - mean|² (Simonyan et al. 2013); tv: penalty times the total variation (Mahendran & Vedaldi
    2015); blur: a Gaussian of ``blur`` pixels after every step (Yosinski et al. 2015); jitter: the network sees the
    image shifted by up to ``jitter`` pixels (Mordvintsev et al. 2015); fourier: every frequency f is climbed as 1/f
    with decorrelated colours (Olah et al. 2017); phase: only the phases are climbed, the magnitudes are those of
    ``template`` images (n, 3, S, S), else 1/f (MACO, Fel et al. 2023).
    """
    if name not in PRIORS:
        raise ValueError(f"There is no prior “{name}”; there are: {', '.join(PRIORS)}.")
    size, mean, numbers = network.view.size, network.mean, generator(seed)
    white = torch.stack([torch.randn(3, size, size, generator=numbers) for _ in range(restarts)]).to(network.device)

    def same(values: Tensor) -> Tensor:
        return values

    def free(images: Tensor) -> Tensor:
        return images.new_zeros(len(images))

    def unmoved(images: Tensor, step: int) -> Tensor:
        return images

    def clipped(images: Tensor) -> Tensor:
        return images.clamp(0, 1) if clip else images

    def shifted(images: Tensor, step: int) -> Tensor:
        across = torch.randint(-jitter, jitter + 1, (2,), generator=generator(seed * 1_000_003 + step)).tolist()
        return images.roll(across, dims=(2, 3))

    near = clipped(mean + noise * white)
    clipping = "to [0, 1] after every step" if clip else "none"
    if name == "none":
        return Prior(near, same, free, unmoved, clipped, math.inf, "none", clipping)
    if name == "l2":
        return Prior(
            near,
            same,
            lambda images: penalty * (images - mean).square().flatten(1).sum(1),
            unmoved,
            clipped,
            # With a straight S_c this step ends at the optimum; a longer one would only oscillate around it.
            1 / (2 * penalty) if penalty else math.inf,
            f"{penalty} |x - mean|²",
            clipping,
        )
    if name == "tv":
        words = f"{penalty} x total variation"
        return Prior(
            near,
            same,
            lambda images: penalty * total_variation(images),
            unmoved,
            clipped,
            math.inf,
            words,
            clipping,
        )
    if name == "blur":
        words = f"blurred by {blur} pixels after every step"
        return Prior(near, same, free, unmoved, lambda x: clipped(blurred(x, blur)), math.inf, words, clipping)
    if name == "jitter":
        words = f"seen shifted by up to {jitter} pixels"
        return Prior(near, same, free, shifted, clipped, math.inf, words, clipping)
    squashed = torch.sigmoid if clip else same
    middle = torch.logit(mean.clamp(0.01, 0.99)) if clip else mean
    clipping = "squashed into [0, 1]" if clip else "none"
    if name == "fourier":
        gain = _pink(size, network.device)

        def decode(variables: Tensor) -> Tensor:
            return squashed(middle + _correlated(filtered(variables, gain)))

        words = "Fourier 1/f, decorrelated colours"
        return Prior(noise * white, decode, free, unmoved, same, math.inf, words, clipping)
    magnitude = _magnitude(template, mean, size)

    def of_phases(phases: Tensor) -> Tensor:
        waves = torch.fft.irfft2(torch.polar(magnitude.expand_as(phases), phases), s=(size, size))
        return squashed(middle + (_correlated(waves) if template is None else waves))

    whence = "1/f" if template is None else f"{len(template)} images"
    return Prior(
        torch.fft.rfft2(white).angle(),
        of_phases,
        free,
        unmoved,
        same,
        math.inf,
        f"phases alone, magnitudes of {whence}",
        clipping,
    )


def total_variation(images: Tensor) -> Tensor:
    """The sum (n,) over pixels and colours of the length of the discrete gradient."""
    down = images[:, :, 1:, :-1] - images[:, :, :-1, :-1]
    right = images[:, :, :-1, 1:] - images[:, :, :-1, :-1]
    # A flat image has no direction: the small number keeps its derivative finite.
    return (down.square() + right.square() + 1e-8).sqrt().flatten(1).sum(1)


def _pink(size: int, device: torch.device) -> Tensor:
    """1/f, scaled so that white noise of deviation 1 keeps it."""
    gain = 1 / frequencies(size, size, device=device).clamp(min=1 / size)
    return gain / gain.square().mean().sqrt()


def _correlated(colours: Tensor) -> Tensor:
    """Decorrelated colours -> red, green, blue, as they go together in photos (Lucid's matrix, Olah et al. 2017)."""
    matrix = colours.new_tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    matrix = matrix / matrix.norm(dim=0).max()
    return torch.einsum("rc,nchw->nrhw", matrix, colours)


def _magnitude(template: Tensor | None, mean: Tensor, size: int) -> Tensor:
    """The magnitudes (1, 3, S, S // 2 + 1) that photos share around their mean colour, in logits of the image."""
    if template is not None:
        if template.shape[-2:] != (size, size):
            raise ValueError(f"The template's images are {tuple(template.shape[-2:])}, not {size} x {size} pixels.")
        logits = torch.logit(template.clamp(0.02, 0.98))
        around = logits - logits.mean((2, 3), keepdim=True)
        shared: Tensor = torch.fft.rfft2(around).abs().mean(0, keepdim=True)
        return shared
    gain = _pink(size, mean.device)
    gain[0, 0] = 0  # the mean colour is the network's
    return (gain * size).expand(1, 3, -1, -1)
