"""Workers are killed, messages lost, the broker's folder deleted: everything is computed once all the same."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import backends
from tests.installation import DEMO, EMBEDDED, ROOT, SERVICES, Installation, installed

MAPS, MODELS, RESTARTS = 6, 3, 1


@pytest.fixture(params=[EMBEDDED, pytest.param(SERVICES, marks=pytest.mark.services)])
def gander(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    if request.param == SERVICES and (words := backends.missing()):
        pytest.skip(words)
    with installed(tmp_path, request.param) as installation:
        (tmp_path / "photos").mkdir()
        for number in range(1, MAPS + 1):
            name = f"scene_{number:02}.png"
            (tmp_path / "photos" / name).write_bytes((DEMO / "scenes" / name).read_bytes())
        installation.manage(
            ["migrate", "--verbosity=0"],
            ["add_network", "demo", "--plugin", "scenes", "--weights", str(DEMO / "demo.safetensors")],
            ["add_images", str(tmp_path / "photos")],
            ORDER,
        )
        yield installation


# Maps, and class models that take long enough to be killed in the middle.
ORDER = [
    *["compute", "--network", "demo", "--methods", "gradient", "--targets", "0,1,2"],
    *["--visualizations", "class_model", "--set", "class_model.steps=250"],
    *["--set", f"class_model.restarts={RESTARTS}"],
]


def is_all_done(gander: Installation) -> bool:
    """No row of any kind waits or runs, and every result has its pictures."""
    tables = ("saliencymap", "visualization", "measurement", "picture")
    expected = 3 * MAPS + MODELS * RESTARTS
    return all(set(gander.states(table)) <= {"done"} for table in tables) and gander.states("picture") == {
        "done": expected
    }


def check_that_everything_is_there_once(gander: Installation) -> None:
    assert gander.states("saliencymap") == {"done": 3 * MAPS}
    assert gander.states("visualization") == {"done": MODELS}
    assert gander.states("measurement") == {"done": MAPS}
    wanted: dict[str, set[str]] = {"arrays": set(), "pictures": set()}
    for table, field, folder in (
        ("saliencymap", "array", "arrays"),
        ("visualization", "array", "arrays"),
        ("picture", "file", "pictures"),
    ):
        names = [name for (name,) in gander.query(f'SELECT "{field}" FROM attribution_{table}')]
        assert len(set(names)) == len(names)
        assert all((gander.folder / "media" / name).stat().st_size > 0 for name in names), folder
        wanted[folder] |= set(names)
    for folder, expected in wanted.items():
        assert {f"{folder}/{path.name}" for path in (gander.folder / "media" / folder).iterdir()} == expected
    assert gander.query("SELECT count(*) FROM attribution_saliencymap WHERE lease <> ''") == [(0,)]


def test_a_worker_killed_in_the_middle_and_a_broker_that_forgets_cost_nothing(gander: Installation) -> None:
    first = gander.start_worker("first")
    gander.wait(lambda: gander.states("visualization").get("running"), "a class model is being computed")
    gander.kill(first)
    gander.lose_messages()
    assert gander.states("visualization")["running"] == 1
    assert not is_all_done(gander)
    for name in ("second", "third"):  # two, so that they also compete for the same rows
        gander.start_worker(name)
    gander.wait(lambda: is_all_done(gander), "everything is computed")
    check_that_everything_is_there_once(gander)
    assert gander.query("SELECT max(attempts) FROM attribution_visualization") == [(2,)]


KEEP = """
import django, time
django.setup()
from attribution.leases import Lease
from attribution.models import SaliencyMap
ids = list(SaliencyMap.objects.values_list("pk", flat=True))
with Lease(SaliencyMap, ids) as lease, lease.kept_alive():
    time.sleep(6)
    print(len(ids), SaliencyMap.objects.filter(lease=lease.key).free().count())
    print(all(lease.finish(row) for row in lease.rows))
"""


@pytest.mark.parametrize("gander", [EMBEDDED], indirect=True)
def test_work_that_tells_no_progress_keeps_its_lease_for_longer_than_a_lease_lasts(gander: Installation) -> None:
    assert gander.run("-c", KEEP).split() == [str(3 * MAPS), "0", "True"]


def test_a_worker_that_is_asked_to_stop_gives_back_what_it_computes(gander: Installation) -> None:
    worker = gander.start_worker("first")
    gander.wait(lambda: gander.states("visualization").get("running"), "a class model is being computed")
    worker.terminate()
    assert worker.wait(20) == 0
    assert gander.states("visualization").get("running") is None
    assert gander.query("SELECT max(attempts) FROM attribution_visualization WHERE state = 'pending'") == [(0,)]
    assert gander.query("SELECT count(*) FROM attribution_worker") == [(0,)]


@pytest.mark.parametrize("gander", [EMBEDDED], indirect=True)
def test_a_command_that_is_interrupted_says_so_and_goes_on_from_there(gander: Installation) -> None:
    command = [sys.executable, "manage.py", *ORDER, "--wait"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=gander.environment,
        stderr=subprocess.PIPE,
        # As from a terminal: where a script runs these tests in the background, it has them ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    gander.wait(lambda: gander.states("visualization").get("running"), "it computes, for no worker runs")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said.decode()
    assert said.decode().splitlines()[-1].endswith("goes on from here when the command is given again.")
    assert "Traceback" not in said.decode()
    assert gander.states("visualization").get("running") is None
    again = subprocess.run(command, cwd=ROOT, env=gander.environment, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert is_all_done(gander)
    check_that_everything_is_there_once(gander)
