"""The torch front door: runs plug-ins in batches on the device; arrays, notes and provenance come back. No Django."""

import inspect
import json
import os
import platform
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from attribution import plugins
from attribution.diagnostics import Row, Subject
from attribution.methods import run as run_method
from attribution.networks import Network, NetworkError, View, randomized
from attribution.networks._checkpoints import read_state, weights_hash, write_state
from attribution.networks._quick import quicken
from attribution.scores import chunked, resolved, scores
from attribution.targets import Target
from attribution.visualizations import Visualized

Progress = Callable[[float], None]
Pixels = NDArray[np.uint8]

DEVICE = os.environ.get("GANDER_DEVICE") or "cpu"
THREADS = int(os.environ.get("GANDER_THREADS") or 1)
NETWORKS_KEPT = 3  # in the memory of one process
SAME_EVERYWHERE = (
    "The map has the same value everywhere, so its picture shows nothing: on this image the method finds no place that "
    "counts more than another."
)


@dataclass(frozen=True)
class NetworkSource:
    """How a stored network is opened: its plug-in and parameters, local checkpoint, labels, view, and weights' hash."""

    plugin: str
    parameters: dict[str, Any]
    checkpoint: str
    labels: tuple[str, ...]
    view: tuple[int, int]  # resize, size
    weights_hash: str
    randomized_seed: int | None = None


@dataclass(frozen=True)
class Checked:
    """A checkpoint that can be used: what a row says of it."""

    architecture: str
    labels: tuple[str, ...]
    view: tuple[int, int]
    weights_hash: str
    parameter_count: int


@dataclass(frozen=True)
class Computed:
    """Arrays in float16 by name (a map divided by ``notes["scale"]``), notes, wall time, curves of an ascent."""

    arrays: dict[str, NDArray[np.float16]]
    notes: dict[str, Any]
    seconds: float
    curves: dict[str, list[list[float]]] = field(default_factory=dict)

    @property
    def array(self) -> NDArray[np.float16]:
        """The map (C, H, W) of a saliency map."""
        return self.arrays["map"]


def check_checkpoint(
    path: str | Path,
    plugin: str,
    parameters: Mapping[str, Any],
    labels: Sequence[str] | None = None,
    *,
    write: str | Path | None = None,
) -> Checked:
    """Read an untrusted checkpoint as the network it is said to be, and try it; NetworkError says what is wrong.

    ``write`` is where its tensors are stored as safetensors, which cannot hold code.
    """
    complete = plugins.complete("attribution.networks", plugin, parameters)
    network = _load(plugin, complete, path, labels)
    size = network.view.size
    with torch.inference_mode():
        logits = network(network.mean.expand(1, 3, size, size))
    if logits.shape != (1, len(network.labels)):
        raise NetworkError(
            f"The network answers to an image with {logits.shape[-1]} numbers, but has {len(network.labels)} labels."
        )
    if not logits.isfinite().all():
        raise NetworkError("The network answers to its mean image with numbers that are not finite: damaged weights.")
    state = read_state(path)
    if write is not None:
        write_state(state, write)
    return Checked(
        architecture=str(complete.get("architecture", plugin)),
        labels=network.labels,
        view=(network.view.resize, network.view.size),
        weights_hash=weights_hash(state),
        parameter_count=sum(parameter.numel() for parameter in network.model.parameters()),
    )


def open_network(source: NetworkSource, *, device: str | None = None) -> Network:
    """The network of ``source``, kept in the process: the last few are not loaded again. Raises NetworkError."""
    where = _device(device)
    key = json.dumps([*vars(source).values(), str(where)], sort_keys=True)
    if key in _open:
        _open.move_to_end(key)
        return _open[key]
    torch.set_num_threads(THREADS)
    # On a GPU torch would round what convolutions are given to 10 bits, and sum in whatever order is quickest then.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    found = weights_hash(read_state(source.checkpoint))
    if found != source.weights_hash:
        raise NetworkError(f"{Path(source.checkpoint).name} is not the checkpoint that was added: its weights differ.")
    network = _load(source.plugin, source.parameters, source.checkpoint, source.labels)
    network.view = View(*source.view)
    if source.randomized_seed is not None:
        network = randomized(network, seed=source.randomized_seed)
    _open[key] = quicken(network.to(where))
    while len(_open) > NETWORKS_KEPT:
        _open.popitem(last=False)
    return _open[key]


def seen(photo: NDArray[Any], view: tuple[int, int] | View) -> Pixels:
    """What of a photo (H, W, 3) or (H, W) a network sees: (S, S, 3) uint8, shorter side resized, centre cut out."""
    view = view if isinstance(view, View) else View(*view)
    pixels = _colour(photo)
    width, height, left, top = view.placed(pixels.shape[1], pixels.shape[0])
    resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + view.size, top + view.size)), dtype=np.uint8)


def to_images(photos: Sequence[NDArray[Any]], network: Network) -> Tensor:
    """Photos of any size -> images (N, 3, S, S) in [0, 1] as the network sees them, on its device."""
    stacked = np.stack([seen(photo, network.view) for photo in photos])  # (N, S, S, 3)
    return torch.from_numpy(stacked).to(network.device).permute(0, 3, 1, 2).float().div(255)


def saliency_maps(
    source: NetworkSource,
    photos: Sequence[NDArray[Any]],
    targets: Sequence[Target],
    *,
    method: str,
    parameters: Mapping[str, Any],
    seed: int,
    masks: Sequence[NDArray[Any] | None] = (),
    boxes: Sequence[Sequence[Any]] = (),
    progress: Progress = lambda fraction: None,
    device: str | None = None,
) -> list[Computed]:
    """The method's map of each photo for its target; the notes name the scalar that was explained, and its value.

    Masks and boxes in the photos' pixels serve the oracle alone: a photo without a mask is given its boxes'.
    """
    if len(photos) != len(targets):
        raise ValueError(f"{len(photos)} photos need as many targets, not {len(targets)}.")
    network = open_network(source, device=device)
    found = _masks(photos, masks, boxes, network)
    computed: list[Computed] = []
    with _beating(network, progress) as beat:
        while len(computed) < len(photos):
            part = slice(len(computed), len(computed) + network.chunk)
            began = time.perf_counter()
            images = to_images(photos[part], network)
            explained = resolved(network, images, targets[part])
            with torch.no_grad():
                values = chunked(network, partial(_scores, network, images, explained), len(images)).tolist()
            maps, notes = run_method(
                method,
                network,
                images,
                explained,
                seed=seed,
                parameters=parameters,
                masks=None if found is None else found[part],
            )
            seconds = (time.perf_counter() - began) / len(images)
            for one, target, value, more in zip(maps, explained, values, notes, strict=True):
                array, scale = _half(one)
                told = {"scalar": target.scalar, "score": value, "scale": scale, **more}
                if one.min() == one.max():
                    told["reading"] = SAME_EVERYWHERE
                computed.append(Computed({"map": array}, told, seconds))
            beat(len(computed) / len(photos))
    return computed


def visualization(
    source: NetworkSource,
    target: Target,
    *,
    plugin: str,
    parameters: Mapping[str, Any],
    seed: int,
    start: NDArray[Any] | None = None,
    template: Sequence[NDArray[Any]] = (),
    progress: Progress = lambda fraction: None,
    device: str | None = None,
) -> Computed:
    """Images (n, 3, S, S) that the target answers to, with the curves of the ascent.

    ``start`` is the photo it begins at, ``template`` are photos whose magnitudes a prior keeps.
    """
    network = open_network(source, device=device)
    began = time.perf_counter()
    begin_at = None if start is None else to_images([start], network)
    kept = to_images(template, network) if len(template) else None
    with _beating(network, progress) as beat:
        found = _visualize(network, target, plugin, parameters, seed=seed, start=begin_at, template=kept, progress=beat)
    arrays = {"images": found.images.cpu().numpy().astype(np.float16)}
    if found.path is not None:
        arrays["path"] = found.path.cpu().numpy().astype(np.float16)
    return Computed(arrays, dict(found.notes), time.perf_counter() - began, found.curves)


def measurement(
    diagnostic: str,
    sources: Mapping[str, NetworkSource],
    photos: Sequence[NDArray[Any]],
    names: Sequence[str] = (),
    labels: Sequence[int | None] = (),
    boxes: Sequence[Sequence[Any]] = (),
    masks: Sequence[NDArray[Any] | None] = (),
    maps: Mapping[str, NDArray[Any]] | None = None,
    visualizations: Mapping[str, NDArray[Any]] | None = None,
    *,
    parameters: Mapping[str, Any],
    seed: int,
    progress: Progress = lambda fraction: None,
    device: str | None = None,
) -> list[Row]:
    """A diagnostic's table.

    Boxes (left, top, right, bottom, or a mapping of these) and masks are in the photos' pixels; maps (N, C, S, S) and
    visualizations (n, 3, S, S) in the view of the first network.
    """
    networks = {name: open_network(source, device=device) for name, source in sources.items()}
    if not networks:
        raise ValueError("A measurement needs at least one network.")
    first = next(iter(networks.values()))
    subject = Subject(
        networks=networks,
        images=to_images(photos, first) if len(photos) else None,
        image_names=list(names) or [str(number) for number in range(len(photos))],
        labels=list(labels) or [None] * len(photos),
        boxes=[_boxes(some, photo, first.view) for some, photo in zip(boxes, photos, strict=True)] if boxes else [],
        masks=_masks(photos, masks, (), first),
        maps={name: _tensor(array, first) for name, array in (maps or {}).items()},
        visualizations={name: _tensor(array, first) for name, array in (visualizations or {}).items()},
        run=_run,
    )
    module = plugins.load("attribution.diagnostics", diagnostic)
    complete = plugins.complete("attribution.diagnostics", diagnostic, parameters)
    with _beating(first, progress) as beat:
        subject.progress = beat
        rows: list[Row] = module.measure(subject, seed=seed, **complete)
    return rows


def seconds_a_pass(source: NetworkSource, *, device: str | None = None) -> float:
    """Seconds that a forward pass of one image takes here now, in a batch of 8: the quickest of three."""
    network = open_network(source, device=device)
    batch = network.mean.expand(8, 3, network.view.size, network.view.size).contiguous()
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        with torch.inference_mode():
            network(batch).sum().item()  # a GPU answers only once it is done
        taken.append((time.perf_counter() - began) / len(batch))
    return min(taken)


def provenance(*, device: str | None = None) -> dict[str, Any]:
    """With what a result was computed: versions of the software, the device, the number of threads."""
    where = _device(device)
    name = torch.cuda.get_device_name(where) if where.type == "cuda" else platform.processor() or platform.machine()
    packages = ("gander", "torch", "torchvision", "numpy", "pillow")
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "device": str(where),
        "device_name": name,
        "threads": THREADS,
    }


_open: OrderedDict[str, Network] = OrderedDict()


def _load(plugin: str, parameters: Mapping[str, Any], path: str | Path, labels: Sequence[str] | None) -> Network:
    network: Network = plugins.load("attribution.networks", plugin).load(path, labels, **parameters)
    return network


def _device(device: str | None) -> torch.device:
    where = torch.device(device or DEVICE)
    if where.type == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(f"The device {where} was asked for, but torch finds no GPU here; set GANDER_DEVICE=cpu.")
    return where


@contextmanager
def _beating(network: Network, progress: Progress) -> Iterator[Progress]:
    """Call ``progress`` with what was last reached, at most once a second, whenever the network runs.

    A worker's lease lives on these calls, and a slow method says nothing until its group of images is done.
    """
    last = [0.0, time.monotonic()]

    def report(fraction: float) -> None:
        last[0] = fraction
        beat(fraction >= 1)

    def beat(now: object, *_: object) -> None:
        if now is True or time.monotonic() - last[1] > 1:
            last[1] = time.monotonic()
            progress(last[0])

    hook = network.register_forward_pre_hook(beat)
    try:
        yield report
    finally:
        hook.remove()


def _visualize(
    network: Network,
    target: Target,
    plugin: str,
    parameters: Mapping[str, Any],
    *,
    seed: int,
    start: Tensor | None,
    template: Tensor | None,
    progress: Progress,
) -> Visualized:
    visualize = plugins.load("attribution.visualizations", plugin).visualize
    taken = inspect.signature(visualize).parameters
    arguments = plugins.complete("attribution.visualizations", plugin, parameters)
    if "start" in taken:
        if start is None:
            raise ValueError(f"The visualization “{plugin}” begins at an image; name one.")
        arguments["start"] = start
    elif start is not None:
        raise ValueError(f"The visualization “{plugin}” begins at no image; leave the image out.")
    if "template" in taken:
        arguments["template"] = template
    elif template is not None:
        raise ValueError(f"The visualization “{plugin}” keeps no image's magnitudes; leave the template out.")
    found: Visualized = visualize(network, target, seed=seed, progress=progress, **arguments)
    return found


def _run(folder: str, name: str, **arguments: Any) -> Any:
    """What a diagnostic reaches other plug-ins through: maps (N, C, H, W), or Visualized."""
    parameters = arguments.pop("parameters", {})
    if folder == "methods":
        network, images = arguments.pop("network"), arguments.pop("images")
        targets = resolved(network, images, arguments.pop("targets"))
        seed = arguments.pop("seed")
        return run_method(name, network, images, targets, seed=seed, parameters=parameters).maps
    if folder == "visualizations":
        return _visualize(
            arguments.pop("network"),
            arguments.pop("target"),
            name,
            parameters,
            seed=arguments.pop("seed"),
            start=arguments.pop("start", None),
            template=arguments.pop("template", None),
            progress=arguments.pop("progress", lambda fraction: None),
        )
    raise ValueError(f"A diagnostic runs methods and visualizations, not {folder}.")


def _colour(photo: NDArray[Any]) -> Pixels:
    pixels = np.asarray(photo)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(f"A photo is (height, width, 3) of uint8, not {photo.shape} of {photo.dtype}.")
    return np.ascontiguousarray(pixels)


def _half(one: Tensor) -> tuple[NDArray[np.float16], float]:
    """A map as float16 divided by its largest absolute value: gradients of a probability would vanish in float16."""
    if not one.isfinite().all():
        raise ValueError("The map holds numbers that are not finite.")
    scale = float(one.abs().max()) or 1.0
    return (one / scale).cpu().numpy().astype(np.float16), scale


def _scores(network: Network, images: Tensor, targets: Sequence[Target], part: slice) -> Tensor:
    return scores(network, images[part], targets[part])


def _tensor(array: NDArray[Any], network: Network) -> Tensor:
    return torch.from_numpy(np.asarray(array, dtype=np.float32)).to(network.device)


def _boxes(boxes: Sequence[Any], photo: NDArray[Any], view: View) -> list[list[float]]:
    height, width = photo.shape[:2]
    sides = ("left", "top", "right", "bottom")
    plain = [[box[side] for side in sides] if isinstance(box, Mapping) else list(box)[:4] for box in boxes]
    return [view.box(*(float(value) for value in box), width=width, height=height) for box in plain]


def _masks(
    photos: Sequence[NDArray[Any]],
    masks: Sequence[NDArray[Any] | None],
    boxes: Sequence[Sequence[Any]],
    network: Network,
) -> Tensor | None:
    """Masks (N, 1, S, S) as the network sees them, from boxes where there is none; None where nothing is known."""
    if not any(mask is not None for mask in masks) and not any(boxes):
        return None
    size = network.view.size
    seen_masks = np.zeros((len(photos), 1, size, size), dtype=bool)
    for row, photo in enumerate(photos):
        mask = masks[row] if masks else None
        if mask is not None:
            seen_masks[row, 0] = seen(mask.astype(bool).astype(np.uint8) * 255, network.view)[:, :, 0] > 127
        elif boxes:
            for left, top, right, bottom in _boxes(boxes[row], photo, network.view):
                seen_masks[row, 0, round(top) : round(bottom), round(left) : round(right)] = True
    return torch.from_numpy(seen_masks).to(network.device)
