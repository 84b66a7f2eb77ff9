"""The demo network and scenes as rows, for tests of what workers do with them."""

from pathlib import Path
from typing import Any

from django.conf import settings

from attribution import files, images
from attribution.computing import add_network
from attribution.models import Image, Network, Picture, SaliencyMap, Visualization, digest
from attribution.targets import Target

DEMO = Path(settings.BASE_DIR) / "fixtures" / "demo"
CHECKPOINT = DEMO / "demo.safetensors"


def network(name: str = "demo") -> Network:
    return add_network(name, plugin="scenes", parameters={}, checkpoint=str(CHECKPOINT))[0]


def scenes(count: int) -> list[Image]:
    found = [files.on_disk(path) for path in sorted((DEMO / "scenes").glob("*.png"))[:count]]
    return images.add(found).images


def maps(count: int = 2, **changes: Any) -> list[SaliencyMap]:
    """Ordered gradient maps of some scenes."""
    of = network()
    return SaliencyMap.order(
        [
            SaliencyMap(
                **{"plugin": "gradient", "network": of, "image": image, "target": Target(index=4).to_json(), **changes}
            )
            for image in scenes(count)
        ]
    )


def class_model(**parameters: Any) -> Visualization:
    values = {"steps": 3, "restarts": 2, **parameters}
    row = Visualization(plugin="class_model", network=network(), target=Target(index=1).to_json(), parameters=values)
    return Visualization.order([row])[0]


def picture_of(row: SaliencyMap, **changes: Any) -> Picture:
    return Picture.order([Picture(**{"plugin": "map", "saliency_map": row, "network": row.network, **changes})])[0]


def group(*rows: SaliencyMap) -> str:
    return digest([row.content_key for row in rows])


def stored_files(folder: str) -> set[str]:
    """The names of the files in a folder of the media storage."""
    path = Path(settings.MEDIA_ROOT) / folder
    return {f"{folder}/{file.name}" for file in path.iterdir()} if path.is_dir() else set()
