"""An ImageNet network and real photos through a real worker: maps, class models, and predictions beside the labels."""

import json
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from PIL import Image as Pillow

from tests.installation import installed

SHARED = Path(settings.BASE_DIR).parent / "shared" / "data"
CLASSES = ["goose", "dalmatian", "lemon", "dumbbell"]
FEW = "imagenet_[dg]*"  # dalmatian, dumbbell, goose

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")


def test_photos_and_a_network_go_in_and_maps_and_class_models_come_out(tmp_path: Path) -> None:
    photos = SHARED / "photos"
    with installed(tmp_path, COMPUTE_LEASE_SECONDS="30") as gander:
        weights = str(SHARED / "networks" / "squeezenet1_1.pth")
        gander.manage(
            ["migrate", "--verbosity=0"],
            ["add_network", "squeezenet", "--architecture", "squeezenet1_1", "--weights", weights],
            ["add_images", str(photos), "--labels", str(photos / "labels.csv"), "--boxes", str(photos / "boxes.csv")],
        )
        worker = gander.start_worker("worker")
        gander.wait(lambda: gander.query("SELECT count(*) FROM attribution_worker") == [(1,)], "the worker is there")
        gander.manage(
            ["compute", "--network", "squeezenet", "--images", "imagenet_*", "--wait"],
            [
                *["compute", "--network", "squeezenet", "--images", FEW, "--methods", "gradient,occlusion", "--wait"],
                *["--set", "occlusion.square=0.25", "--set", "occlusion.stride=0.25"],
            ],
            [
                *["compute", "--network", "squeezenet", "--images", "imagenet_goose*", "--wait"],
                *["--targets", ",".join(CLASSES), "--visualizations", "class_model"],
                *["--set", "class_model.steps=5", "--set", "class_model.restarts=1"],
            ],
        )
        assert worker.poll() is None
        assert gander.states("saliencymap") == {"done": 6}
        assert gander.states("visualization") == {"done": 4}
        assert gander.states("measurement") == {"done": 16}
        assert gander.states("picture") == {"done": 10}

        right = 0
        for name, label, table in gander.query(
            'SELECT i.name, i.label, m."table" FROM attribution_measurement m '
            "JOIN attribution_measurement_images mi ON mi.measurement_id = m.id "
            "JOIN attribution_image i ON i.id = mi.image_id"
        ):
            assert name.startswith("imagenet_")
            (first,) = [line for line in json.loads(table) if line["rank"] == 1]
            right += first["label"] == label
        assert right >= 8  # chance is 16 in 1,000

        for (curves,) in gander.query("SELECT curves FROM attribution_visualization"):
            scores = [row[0] for row in json.loads(curves)["logit"]]
            assert scores[-1] > scores[0]
        for (name,) in gander.query("SELECT file FROM attribution_picture"):
            with Pillow.open(tmp_path / "media" / name) as picture:
                assert picture.size == (224, 224)
                assert np.asarray(picture).std() > 1
