"""Units as items: which of the study's photos excite each of them most and least, as the network was asked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attribution.models import Image, Measurement, Network

from .document import unit_of
from .models import Item
from .selection import DocumentError
from .texts import Problem


def activations(document: Mapping[str, Any], network: Network, pool: Sequence[Image]) -> list[Measurement]:
    """The stored rows, one a module, of the photos that excite its units most and least; ordered where they are new."""
    channels: dict[str, list[int]] = {}
    for name in document["items"]["units"]:
        module, channel = unit_of(name)
        channels.setdefault(module, []).append(channel)
    hashes, top = [image.content_hash for image in pool], document["items"]["references"] + 1
    return Measurement.order(
        [
            Measurement(
                plugin="unit_activation",
                network=network,
                image_hashes=hashes,
                parameters={"module": module, "channels": sorted(of_module), "top": top},
            )
            for module, of_module in channels.items()
        ]
    )


def measured_by(unit: str, rows: Iterable[Measurement]) -> dict[str, str]:
    """The content key of the measurement that a unit is in, as its item notes it."""
    return {"measured": next(row.content_key for row in rows if row.parameters["module"] == unit_of(unit)[0])}


def measured_keys(items: Iterable[Item]) -> set[str]:
    """The content keys of the measurements that items which are units wait for."""
    return {item.truth["measured"] for item in items if "measured" in item.truth}


def settle_units(
    document: Mapping[str, Any], items: Sequence[Item], rows: Sequence[Measurement], pool: Sequence[Image]
) -> dict[str, list[Image]]:
    """Note each unit's pair of photos, and give those that excite it most: unit -> ``references`` photos.

    The right one of the pair is the photo that comes next after these, the other the one that excites the unit least.
    """
    stored = {image.name: image for image in pool}
    count = document["items"]["references"]
    found = {}
    for item in items if rows else ():
        module, channel = unit_of(item.name)
        table = [line for row in rows for line in row.table if (line["module"], line["channel"]) == (module, channel)]
        ranked = sorted((line["end"], line["rank"], line["image"], line["activation"]) for line in table)
        least, most = ([line for line in ranked if line[0] == end] for end in ("least", "most"))
        right, other = most[count], least[0]
        if right[3] <= other[3]:
            words = f"“{item.name}” is excited alike by all photos that are left to compare; name another unit."
            raise DocumentError([Problem(("items", "units"), words)])
        item.truth |= {"module": module, "channel": channel, "right": right[2], "other": other[2]}
        item.measurements = {"activation_right": right[3], "activation_other": other[3]}
        found[item.name] = [stored[line[2]] for line in most[:count]]
    return found
