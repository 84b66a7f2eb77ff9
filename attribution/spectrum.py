"""Amplitude spectra: noise that looks like a map or an image, and filters of the Fourier plane."""

import torch
from torch import Tensor


def scattered(one: Tensor, numbers: torch.Generator, turns: int) -> Tensor:
    """The values of (C, H, W) in other places: random phases, the same spectrum (nearly) and histogram (exactly).

    Spectrum and histogram are matched in ``turns`` (Schreiber & Schmitz 1996, https://arxiv.org/abs/chao-dyn/9909041).
    """
    height, width = one.shape[-2:]
    own = one.double()
    amplitude = torch.fft.rfft2(own).abs()  # (C, H, W // 2 + 1)
    values = own.flatten(1).sort(dim=1).values  # (C, H W)
    noise = torch.randn(height, width, dtype=torch.float64, generator=numbers).to(one.device)
    # One set of phase shifts for all colours, so that they stay related as they were.
    shifts = torch.fft.rfft2(noise).angle()
    phases = torch.fft.rfft2(own).angle() + shifts
    scattered = own
    for _ in range(max(turns, 1)):
        shaped = torch.fft.irfft2(torch.polar(amplitude, phases), s=(height, width))
        ranks = shaped.flatten(1).argsort(dim=1).argsort(dim=1)
        scattered = values.gather(1, ranks).view_as(own)
        phases = torch.fft.rfft2(scattered).angle()
    return scattered.to(one.dtype)


def frequencies(height: int, width: int, *, device: torch.device) -> Tensor:
    """Cycles a pixel (height, width // 2 + 1) of the coefficients of ``torch.fft.rfft2``."""
    rows = torch.fft.fftfreq(height, device=device)
    columns = torch.fft.rfftfreq(width, device=device)
    cycles: Tensor = (rows[:, None].square() + columns.square()).sqrt()
    return cycles


def filtered(images: Tensor, gain: Tensor) -> Tensor:
    """Images (N, C, H, W) with every frequency multiplied by ``gain`` (H, W // 2 + 1)."""
    found: Tensor = torch.fft.irfft2(torch.fft.rfft2(images) * gain, s=images.shape[-2:])
    return found
