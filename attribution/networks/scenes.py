"""The small network of the drawn scenes.

Four blocks of convolution, pooling, batch normalisation and activation on pictures of 64 x 64 pixels; its checkpoints
are made by fixtures/demo/make.py. With the activation softplus its Hessian is not 0 almost everywhere.
"""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from attribution.networks import Network, NetworkError, View
from attribution.networks._checkpoints import State, fit, read_state
from attribution.scenes import LABELS, SIZE

VERSION = 1

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
WIDTHS = (24, 48, 72, 96)  # channels of the four blocks
BETA = 10.0  # of the softplus: within 0.07 of the ReLU everywhere, and smooth
ACTIVATIONS = ("relu", "softplus")


def load(checkpoint: str | Path, labels: Sequence[str] | None = None, *, activation: str = "relu") -> Network:
    """A scenes network with the checkpoint's weights; its widths are the checkpoint's. Raises NetworkError."""
    path = Path(checkpoint)
    state = read_state(path)
    widths = _widths(state, path.name)
    classes = state["classifier.weight"].shape[0]
    names = [str(label).strip() for label in (LABELS if labels is None else labels)]
    if len(names) != classes or not all(names):
        raise NetworkError(f"{path.name} tells {classes} classes apart, but {len(names)} labels were given.")
    model = build(classes, widths=widths, activation=activation)
    fit(model, state, name="the scenes network", checkpoint=path.name)
    return wrap(model, names)


def build(classes: int = len(LABELS), *, widths: Sequence[int] = WIDTHS, activation: str = "relu") -> nn.Sequential:
    """The untrained classifier: normalised images (N, 3, 64, 64) -> logits (N, classes); raises NetworkError."""
    if activation not in ACTIVATIONS:
        raise NetworkError(f"The scenes network has no activation “{activation}”; it has: {', '.join(ACTIVATIONS)}.")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for block, (before, width) in enumerate(zip((3, *widths), widths, strict=False), start=1):
        layers[f"block{block}"] = nn.Sequential(
            OrderedDict(
                convolution=nn.Conv2d(before, width, 3, padding=1, bias=False),
                pool=nn.MaxPool2d(2),  # before what follows: a third of the time saved
                normalisation=nn.BatchNorm2d(width),
                activation=nn.ReLU() if activation == "relu" else nn.Softplus(beta=BETA),
            )
        )
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["classifier"] = nn.Linear(widths[-1], classes)
    return nn.Sequential(layers)


def wrap(model: nn.Module, labels: Sequence[str] = LABELS) -> Network:
    """The frozen network around a trained classifier."""
    return Network(model, labels=labels, mean=MEAN, std=STD, view=View(resize=SIZE, size=SIZE))


def _widths(state: State, checkpoint: str) -> list[int]:
    convolutions = [state.get(f"block{block}.convolution.weight") for block in range(1, len(WIDTHS) + 1)]
    head = state.get("classifier.weight")
    if head is None or head.dim() != 2 or any(weight is None or weight.dim() != 4 for weight in convolutions):
        held = ", ".join(list(state)[:3])
        raise NetworkError(
            f"{checkpoint} is not a checkpoint of the scenes network: it holds {held} … instead of four blocks "
            "(block1.convolution.weight …) and classifier.weight."
        )
    return [weight.shape[0] for weight in convolutions if weight is not None]
