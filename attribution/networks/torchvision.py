"""A classification architecture of torchvision.

Any of torchvision's classifiers with a checkpoint file (.safetensors, or .pth read without running code), or with
torchvision's own weights. https://docs.pytorch.org/vision/stable/models.html
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from attribution.networks import Network, NetworkError, View
from attribution.networks._checkpoints import State, fit, read_state
from attribution.networks._torchvision_operators import declare

declare()

from torchvision import models  # noqa: E402

VERSION = 1


def architectures() -> list[str]:
    """The names of torchvision's classification architectures."""
    return sorted(models.list_models(module=models))


class _Unallocated(TorchFunctionMode):
    """Parameters without memory: shapes are compared before any is spent, and nothing is initialised in vain.

    A plain ``torch.device("meta")`` would stop the architectures that compute their widths with tensors (RegNet).
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.empty:
            kwargs = {**(kwargs or {}), "device": "meta"}
        return func(*args, **(kwargs or {}))


def load(
    checkpoint: str | Path,
    labels: Sequence[str] | None = None,
    *,
    architecture: str = "resnet18",
    weights: str = "DEFAULT",
) -> Network:
    """The architecture with the checkpoint's weights; raises NetworkError.

    ``weights`` names the entry of torchvision's weights whose transform (size, mean, standard deviation) and, where no
    ``labels`` are given, class names go with the checkpoint. The number of classes is the checkpoint's. Photos are
    resized bilinearly, as for most of torchvision's weights; a few were published with bicubic resizing.
    """
    entry = _entry(architecture, weights)
    path = Path(checkpoint)
    state = _renamed(architecture, read_state(path))
    classes = _class_count(architecture, entry, state, path.name)
    names = _labels(labels, classes, entry.meta["categories"], path.name)
    model = _build(architecture, entry, state, classes)
    fit(model, state, name=f"torchvision's {architecture}", checkpoint=path.name)
    transform = entry.transforms()
    view = View(resize=transform.resize_size[0], size=transform.crop_size[0])
    return Network(model, labels=names, mean=transform.mean, std=transform.std, view=view)


def download(architecture: str, folder: str | Path, *, weights: str = "DEFAULT") -> Path:
    """Fetch torchvision's own weights into ``folder``, hash checked; raises NetworkError where there is no internet."""
    entry = _entry(architecture, weights)
    path = Path(folder, str(entry.url).rpartition("/")[2])
    digest = path.stem.rpartition("-")[2]
    try:
        torch.hub.download_url_to_file(entry.url, str(path), hash_prefix=digest, progress=False)
    except (URLError, OSError, RuntimeError) as error:
        raise NetworkError(
            f"torchvision's weights of {architecture} could not be fetched from {entry.url} ({error}). "
            "Where there is no internet, give a checkpoint file instead."
        ) from None
    return path


def _entry(architecture: str, weights: str) -> Any:
    if architecture not in architectures():
        raise NetworkError(
            f"torchvision has no classification architecture “{architecture}”; it has: {', '.join(architectures())}."
        )
    entries = models.get_model_weights(architecture)
    if weights not in entries.__members__:
        raise NetworkError(
            f"torchvision has no weights “{weights}” of {architecture}; it has: {', '.join(entries.__members__)}."
        )
    return entries[weights]


def _build(architecture: str, entry: Any, state: State, classes: int) -> nn.Module:
    options: dict[str, Any] = {"num_classes": classes}
    if architecture in ("googlenet", "inception_v3"):
        auxiliary = any(name.lower().startswith("aux") for name in state)
        options |= {"aux_logits": auxiliary, "init_weights": False, "transform_input": True}
    if architecture.startswith("vit_"):
        options["image_size"] = entry.transforms().crop_size[0]
    with _Unallocated():
        model: nn.Module = models.get_model(architecture, weights=None, **options)
    return model


def _class_count(architecture: str, entry: Any, state: State, checkpoint: str) -> int:
    # The tensors whose shape follows the number of classes are those that differ between two numbers of classes.
    two, three = (_build(architecture, entry, state, classes).state_dict() for classes in (2, 3))
    heads = [name for name in two if two[name].shape != three[name].shape]
    counts = {state[name].shape[0] for name in heads if name in state and state[name].dim()}
    if len(counts) == 1:
        return int(counts.pop())
    if not counts:
        raise NetworkError(
            f"{checkpoint} is not a checkpoint of torchvision's {architecture}: it lacks {', '.join(heads)}. "
            "Name the architecture that was trained."
        )
    raise NetworkError(f"{checkpoint}: {', '.join(heads)} disagree on the number of classes ({sorted(counts)}).")


def _labels(labels: Sequence[str] | None, classes: int, own: Sequence[str], checkpoint: str) -> list[str]:
    if labels is None and classes != len(own):
        raise NetworkError(
            f"{checkpoint} tells {classes} classes apart, not ImageNet's {len(own):,}: give their names, "
            "one a line in the order of the network's outputs."
        )
    names = [str(label).strip() for label in (own if labels is None else labels)]
    if len(names) != classes:
        raise NetworkError(f"{checkpoint} tells {classes} classes apart, but {len(names)} labels were given.")
    if not all(names):
        raise NetworkError(f"Label {names.index('') + 1} of {classes} is empty; every class needs a name.")
    return names


def _renamed(architecture: str, state: State) -> State:
    """DenseNet's published checkpoints spell its layers as torch 0.3 did: ``norm.1`` for ``norm1``."""
    if not architecture.startswith("densenet"):
        return state
    parts = {"norm.1.": "norm1.", "norm.2.": "norm2.", "conv.1.": "conv1.", "conv.2.": "conv2."}
    for old, new in parts.items():
        state = {name.replace(old, new): tensor for name, tensor in state.items()}
    return state
