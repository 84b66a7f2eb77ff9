"""Random numbers that depend on a seed and an image's content alone, never on a batch, an order or a device."""

import hashlib

import torch
from torch import Tensor


def generator(seed: int, image: Tensor | None = None) -> torch.Generator:
    """A CPU generator for ``seed`` and, where given, the content of ``image`` (of any shape)."""
    digest = hashlib.sha256(str(int(seed)).encode())
    if image is not None:
        digest.update(image.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return torch.Generator().manual_seed(int.from_bytes(digest.digest()[:8], "big") >> 1)
