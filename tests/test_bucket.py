"""Files in an S3-compatible bucket instead of a folder: everything is computed and shown as on one machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bucket import Bucket, bucket
from tests.installation import DEMO, installed

SHOW = """
import django, json
django.setup()
from django.test import Client
from attribution.models import Picture
client = Client()
answers = {}
for picture in Picture.objects.filter(state="done"):
    answer = client.get(picture.url)
    answers[picture.file.name] = [answer.status_code, picture.url, b"".join(answer.streaming_content).hex()]
missing = client.get("/media/pictures/" + "x" * 32 + ".png").status_code
print(json.dumps([answers, missing]))
"""


@pytest.fixture
def store() -> Iterator[Bucket]:
    with bucket() as running:
        yield running


def test_a_bucket_holds_what_a_folder_would_and_pages_show_it(store: Bucket, tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "eu-central-1"}
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_bytes((DEMO / "scenes" / "scene_01.png").read_bytes())
    with installed(tmp_path, MEDIA_BUCKET="gander", MEDIA_ENDPOINT=store.address, **keys) as gander:
        gander.manage(
            ["migrate", "--verbosity=0"],
            ["add_network", "demo", "--plugin", "scenes", "--weights", str(DEMO / "demo.safetensors")],
            ["add_images", str(tmp_path / "photos")],
            ["compute", "--network", "demo", "--methods", "gradient", "--targets", "predicted", "--wait"],
        )
        answers, missing = json.loads(gander.run("-c", SHOW).splitlines()[-1])
        assert not (tmp_path / "media").exists()
    assert missing == 404
    assert len(answers) == 1
    for name, (status, url, data) in answers.items():
        assert (status, url) == (200, f"/media/{name}")  # never the bucket's own address, which the policy forbids
        assert bytes.fromhex(data) == store.objects[f"gander/{name}"]
    kinds = {name.split("/")[1] for name in store.objects}
    assert {"arrays", "pictures"} < kinds


def test_a_bucket_without_its_package_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocking = "import sys; sys.modules['storages'] = None; import importlib.util as u; u.find_spec = lambda name: None"
    monkeypatch.setenv("MEDIA_BUCKET", "gander")
    with installed(tmp_path) as gander, pytest.raises(RuntimeError, match="MEDIA_BUCKET needs the extra “s3”"):
        gander.run("-c", f"{blocking}; import study.settings")
