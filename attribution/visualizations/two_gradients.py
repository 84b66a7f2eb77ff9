"""One loss, two gradients.

Erhan, Bengio, Courville & Vincent 2009, "Visualizing higher-layer features of a deep network": with the weights fixed
and the image changed, a gradient step visualizes; with the image fixed and the weights changed, it trains. The loss
-log p_c of one image, its gradient in the image and in the first layer's weights, and what steps along either do to it.
"""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from attribution.networks import Network
from attribution.targets import Target
from attribution.visualizations import Progress, Visualized

VERSION = 2
PASSES = "2 * GRADIENT * (steps + 1)"
EXPLAINS = ("class",)


def visualize(
    network: Network,
    target: Target,
    *,
    seed: int,
    progress: Progress,
    start: Tensor,
    steps: int = 12,
    step_size: float = 0.01,
    filters: int = 16,
) -> Visualized:
    """Images (2, 3, S, S): the gradient in the image, and in the ``filters`` first-layer filters that it moves most.

    Both are centred on grey, half the range being their 99.5th percentile. The curve ``loss`` (steps + 1, 2) is
    -log p_c along descent in the image ``start`` (1, 3, S, S), and in all weights; a step is at most ``step_size`` of
    the norm of what it changes. The network itself is not changed.
    """
    if target.index is None:
        raise ValueError("The loss is a class's; a channel or position of a layer has none.")
    if steps < 1 or step_size <= 0 or filters < 1:
        raise ValueError("Two gradients need at least 1 step, a step_size above 0 and at least 1 filter.")
    name = _first_filters(network)
    fixed: dict[str, Tensor] = dict(network.named_parameters())
    weights = {key: value.detach().clone() for key, value in network.named_parameters()}
    image, index = start.detach().clone(), torch.tensor([target.index], device=start.device)

    def loss(at: Tensor, given: dict[str, Tensor]) -> Tensor:
        logits: Tensor = functional_call(network, given, (at,))
        value: Tensor = nn.functional.cross_entropy(logits, index)
        return value

    losses: list[list[float]] = []
    in_image, in_weights = torch.zeros_like(start), torch.zeros_like(weights[name])
    for step in range(steps + 1):
        losses.append([])
        for kind, moved in (("image", [image]), ("weights", list(weights.values()))):
            with torch.enable_grad():
                asked = [value.requires_grad_() for value in moved]
                at, given = (asked[0], fixed) if kind == "image" else (start, weights)
                value = loss(at, given)
                slopes = torch.autograd.grad(value, asked, allow_unused=True)
            losses[-1].append(float(value.detach()))
            found = [
                torch.zeros_like(one) if slope is None else slope for one, slope in zip(asked, slopes, strict=True)
            ]
            if step == 0 and kind == "image":
                in_image = found[0]
            elif step == 0:
                in_weights = found[list(weights).index(name)]
            steepness = _norm(found)
            # No further than a straight loss would need to 0 (Polyak 1969), and nowhere on one without a slope.
            longest = step_size * _norm(asked)
            length = torch.minimum(longest, value.detach() / steepness) / steepness if steepness > 0 else steepness
            moved_on = [(one - length * slope).detach() for one, slope in zip(asked, found, strict=True)]
            if kind == "image":
                image = moved_on[0]
            else:
                weights = dict(zip(weights, moved_on, strict=True))
        progress((step + 1) / (steps + 1))
    images = torch.cat([_around_grey(in_image), _around_grey(_mosaic(in_weights, start.shape[-1], filters))])
    notes: dict[str, object] = {
        "scalar": "log_probability",
        "layer": name,
        "loss_before": losses[0][0],
        "loss": losses[-1],
        "clipping": "to [0, 1]",
    }
    return Visualized(images=images, curves={"loss": losses}, notes=notes)


def _first_filters(network: Network) -> str:
    """The name of the first weights that look at colours: (filters, 3, h, w)."""
    for name, value in network.named_parameters():
        if value.ndim == 4 and value.shape[1] == 3:
            return name
    raise ValueError("The network has no first layer of filters over three colours, so its weights cannot be drawn.")


def _mosaic(slopes: Tensor, size: int, most: int) -> Tensor:
    """The filters (F, 3, h, w) that move most as one image (1, 3, S, S), each as a square of enlarged pixels."""
    side = max(slopes.shape[-2:])
    across = max(min(int(most**0.5), size // (side + 1), int(len(slopes) ** 0.5)), 1)
    chosen = slopes.flatten(1).norm(dim=1).argsort(descending=True, stable=True)[: across**2]
    cell = size // across
    enlarge = max((cell - 1) // side, 1)
    shown = slopes.new_zeros(1, 3, size, size)
    for place, number in enumerate(chosen.tolist()):
        row, column = (turn * cell for turn in divmod(place, across))
        tile = slopes[number].repeat_interleave(enlarge, 1).repeat_interleave(enlarge, 2)
        tile = tile[:, : size - row, : size - column]
        shown[0, :, row : row + tile.shape[1], column : column + tile.shape[2]] = tile
    return shown


def _around_grey(slope: Tensor) -> Tensor:
    ordered = slope.abs().flatten().sort().values
    top = ordered[int(0.995 * (len(ordered) - 1))].clamp(min=1e-30)
    shown: Tensor = (0.5 + 0.5 * slope / top).clamp(0, 1)
    return shown


def _norm(values: list[Tensor]) -> Tensor:
    norm: Tensor = torch.stack([value.detach().norm() for value in values]).norm()
    return norm
