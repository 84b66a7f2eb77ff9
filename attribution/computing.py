"""Rows become results: what each kind of row asks of `compute` and `rendering`, and what is stored of the answer.

The one door from Django to torch. Each function works through a lease's rows; a row that cannot be computed fails
alone, with words. Only what says nothing about the row (a lost lease, a stop, the database) passes through.
"""

import io
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models.fields.files import FieldFile

from . import images, plugins, rendering
from .attempts import alike, check_version, failing_alone, plain, timed
from .leases import Lease, patiently
from .models import (
    Image,
    Network,
    NetworkUpload,
    Picture,
    SaliencyMap,
    Visualization,
    standard_pictures,
)
from .targets import Target

if TYPE_CHECKING:
    from .compute import NetworkSource


def maps(lease: Lease) -> None:
    """Saliency maps, those that are alike in one batch; where a batch fails, each alone."""
    for rows in alike(lease.rows):
        _maps(lease, rows)


def visualizations(lease: Lease) -> None:
    """Visualizations, one after the other."""
    from . import compute

    for row in lease.rows:
        with failing_alone(lease, row):
            check_version(row)
            result = compute.visualization(
                source_of(row.network, row.randomized_seed),
                Target.from_json(row.target),
                plugin=row.plugin,
                parameters=row.parameters,
                seed=row.seed,
                start=images.pixels(row.image.file) if row.image else None,
                template=[images.pixels(image.file) for image in _images(row.template_hashes)],
                progress=lease.progress,
            )
            row.count = len(result.arrays["images"])
            lease.finish(
                row,
                into="array",
                data=_npz(result.arrays),
                along=partial(Picture.order, standard_pictures(row)),
                curves=plain(result.curves),
                notes=plain(result.notes),
                count=row.count,
                seconds=result.seconds,
                provenance=compute.provenance(),
            )


def measurements(lease: Lease) -> None:
    """Measurements, one after the other."""
    from . import compute

    for row in lease.rows:
        with failing_alone(lease, row):
            check_version(row)
            shown = _images(row.image_hashes)
            with timed() as seconds:
                table = compute.measurement(
                    row.plugin,
                    {
                        name: source_of(network, row.randomized_seed if network == row.network else None)
                        for name, network in row.networks.items()
                    },
                    [images.pixels(image.file) for image in shown],
                    names=[image.name for image in shown],
                    labels=row.subject.get("labels", []),
                    boxes=row.subject.get("boxes", []),
                    masks=_masks(shown, row.subject.get("masks", [])),
                    maps={name: np.stack([_map(key) for key in keys]) for name, keys in row.map_keys.items()},
                    visualizations={
                        name: Visualization.objects.get(content_key=key).arrays()["images"]
                        for name, key in row.visualization_keys.items()
                    },
                    parameters=row.parameters,
                    seed=row.seed,
                    progress=lease.progress,
                )
            lease.finish(row, table=plain(table), seconds=seconds(), provenance=compute.provenance())


def pictures(lease: Lease) -> None:
    """Renderings of what is done, one after the other."""
    from . import compute

    for row in lease.rows:
        with failing_alone(lease, row):
            if row.version != rendering.VERSION:
                raise ValueError(f"It was ordered from version {row.version} of the rendering; order it anew.")
            lease.progress(0)
            with timed() as seconds:
                photo = None
                if row.image:
                    network = row.network or (row.saliency_map and row.saliency_map.network)
                    photo = images.pixels(row.image.file)
                    photo = compute.seen(photo, (network.view_resize, network.view_size)) if network else photo
                group = Picture.objects.filter(scale_group=row.scale_group) if row.scale_group else []
                rendered = rendering.render(
                    row.plugin,
                    row.parameters,
                    photo=photo,
                    array=_shown(row),
                    together=[array for other in group if (array := _shown(other)) is not None],
                )
            lease.finish(
                row,
                into="file",
                data=rendered.png,
                width=rendered.width,
                height=rendered.height,
                seconds=seconds(),
                provenance=compute.provenance(),
            )


def uploads(lease: Lease) -> None:
    """Checkpoints that were sent: checked, and stored as networks."""
    for row in lease.rows:
        with failing_alone(lease, row):
            _upload(lease, row)


def _upload(lease: Lease, row: NetworkUpload) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(row.file_name).name
        with row.file.open("rb") as sent, path.open("wb") as copy:
            for chunk in iter(lambda: sent.read(2**20), b""):
                copy.write(chunk)
        lease.progress(0)
        add_network(
            row.name,
            plugin=row.plugin,
            parameters=row.parameters,
            checkpoint=str(path),
            labels=row.labels or None,
            source=row.source,
            along=lambda network: lease.finish(row, network=network, file=""),
        )
    row.file.storage.delete(str(row.file.name))


def add_network(
    name: str,
    *,
    plugin: str,
    parameters: dict[str, Any],
    checkpoint: str,
    labels: Sequence[str] | None = None,
    source: str = "",
    along: Callable[[Network], bool] = lambda network: True,
) -> tuple[Network, bool]:
    """The network of a checked checkpoint, and whether it is new; raises ValueError in words, and then adds nothing.

    The same network under the same name is there already; another one under that name is refused. ``along`` is done in
    the same transaction; where it returns False, nothing is added.
    """
    from . import compute

    parameters = plugins.complete("attribution.networks", plugin, parameters)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state.safetensors"
        checked = compute.check_checkpoint(checkpoint, plugin, parameters, labels, write=state)
        network = Network(
            name=name,
            plugin=plugin,
            parameters=parameters,
            weights_hash=checked.weights_hash,
            labels=list(checked.labels),
            view_resize=checked.view[0],
            view_size=checked.view[1],
            architecture=checked.architecture,
            parameter_count=checked.parameter_count,
            source=source,
        )
        try:
            network.clean_fields(exclude=["checkpoint"])
        except ValidationError as error:
            raise ValueError(" ".join(error.messages)) from error
        if stored := Network.objects.filter(name=name).first():
            if [stored.fingerprint, stored.labels] != [network.fingerprint, network.labels]:
                raise ValueError(f"There is another network “{name}” already; choose another name.")
            along(stored)
            return stored, False
        with state.open("rb") as stream:
            network.checkpoint.save("", File(stream), save=False)
    added = False
    try:
        with transaction.atomic():
            patiently(network.save)
            added = along(network)
            transaction.set_rollback(not added)
    except IntegrityError as error:
        raise ValueError(f"A network “{name}” was added by somebody else at this moment.") from error
    finally:
        if not added:
            network.checkpoint.storage.delete(str(network.checkpoint.name))
    return network, added


def source_of(network: Network, randomized_seed: int | None = None) -> "NetworkSource":
    """What `compute` opens a stored network from."""
    from . import compute

    return compute.NetworkSource(
        plugin=network.plugin,
        parameters=network.parameters,
        checkpoint=local_path(network.checkpoint, network.weights_hash),
        labels=tuple(network.labels),
        view=(network.view_resize, network.view_size),
        weights_hash=network.weights_hash,
        randomized_seed=randomized_seed,
    )


def local_path(stored: FieldFile, key: str) -> str:
    """Where a stored file lies on this machine; one that lies elsewhere is fetched once and kept under ``key``."""
    try:
        return str(stored.path)
    except NotImplementedError:  # such as S3
        kept = Path(settings.VAR_DIR) / "fetched" / f"{key}{Path(str(stored.name)).suffix}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as copy, stored.open("rb") as stream:
            for chunk in iter(lambda: stream.read(2**20), b""):
                copy.write(chunk)
        Path(copy.name).replace(kept)
    return str(kept)


def _maps(lease: Lease, rows: list[SaliencyMap]) -> None:
    from . import compute

    first, results = rows[0], []
    with failing_alone(lease, first, unless=len(rows) > 1) as went:
        check_version(first)
        results = compute.saliency_maps(
            source_of(first.network, first.randomized_seed),
            [images.pixels(row.image.file) for row in rows],
            [Target.from_json(row.target) for row in rows],
            method=first.plugin,
            parameters=first.parameters,
            seed=first.seed,
            progress=lease.progress,
            **(_places([row.image for row in rows]) if first.needs_masks else {}),
        )
    if not went and len(rows) > 1:
        for row in rows:
            _maps(lease, [row])
    for row, result in zip(rows, results, strict=bool(results)):
        with failing_alone(lease, row):
            lease.finish(
                row,
                into="array",
                data=_npz(result.arrays),
                along=partial(Picture.order, standard_pictures(row)),
                seconds=result.seconds,
                provenance={**compute.provenance(), **plain(result.notes)},
            )


def _npz(arrays: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _images(hashes: Sequence[str]) -> list[Image]:
    """The stored images of these contents, in this order; raises ValueError where one is no longer there."""
    stored = {image.content_hash: image for image in Image.objects.filter(content_hash__in=hashes)}
    if set(hashes) - set(stored):
        raise ValueError("An image that this is computed from is no longer there.")
    return [stored[key] for key in hashes]


def _places(shown: Sequence[Image]) -> dict[str, Any]:
    """Where the objects of these images are, for a method that is told so."""
    return {
        "masks": [images.mask(image.mask) if image.mask else None for image in shown],
        "boxes": [image.boxes for image in shown],
    }


def _masks(shown: Sequence[Image], hashes: Sequence[str | None]) -> list[Any]:
    """The masks that a measurement names by content; raises ValueError where another one has taken its place."""
    for image, known in zip(shown, hashes, strict=bool(hashes)):
        if known is not None and image.mask_hash != known:
            raise ValueError(f"{image} has had another mask since this was ordered; order it anew.")
    return [images.mask(image.mask) if known else None for image, known in zip(shown, hashes, strict=False)]


def _map(key: str) -> Any:
    """A stored map in its own units, (C, H, W) float32."""
    row = SaliencyMap.objects.get(content_key=key)
    return row.arrays()["map"].astype(np.float32) * float(row.provenance.get("scale", 1))


def _shown(picture: Picture) -> Any:
    if picture.saliency_map:
        return picture.saliency_map.arrays()["map"]
    return picture.visualization.arrays()["images"][picture.index] if picture.visualization else None
