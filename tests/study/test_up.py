"""`up` serves and computes, survives what happens to its children, and leaves nothing behind."""

import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import DEMO, Installation, installed


@pytest.fixture
def gander(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path) as installation:
        yield installation


def start(gander: Installation, *options: str) -> tuple[subprocess.Popen[bytes], str]:
    """`up`, and the address it prints."""
    process = gander.start("manage.py", "up", *options, log="up.log")
    gander.wait(lambda: re.search(r"Gander is at (\S+)", gander.log("up.log")), "the site is served")
    address = re.findall(r"Gander is at (\S+)", gander.log("up.log"))[-1]
    return process, address


def descendants(pid: int) -> set[int]:
    listing = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[int]] = {}
    for line in listing.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child)
    return found


def running(pids: set[int]) -> set[int]:
    listing = subprocess.run(["ps", "-e", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    return {int(pid) for pid, state in map(str.split, listing.splitlines()) if not state.startswith("Z")} & pids


def status(address: str) -> int:
    with urllib.request.urlopen(address, timeout=30) as response:
        return int(response.status)


def is_done(gander: Installation, **expected: int) -> bool:
    return all(gander.states(table) == {"done": count} for table, count in expected.items())


def test_a_deleted_broker_costs_a_worker_and_nothing_else_and_ctrl_c_leaves_nothing(gander: Installation) -> None:
    (gander.folder / "photos").mkdir()
    shutil.copy(DEMO / "scenes" / "scene_01.png", gander.folder / "photos")
    gander.manage(
        ["migrate", "--verbosity=0"],
        ["add_network", "demo", "--plugin", "scenes", "--weights", str(DEMO / "demo.safetensors")],
        ["add_images", str(gander.folder / "photos")],
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]
        process, address = start(gander, "--port", str(busy), "--workers", "1")
    assert f"Port {busy} is busy, so it is " in gander.log("up.log")
    assert status(address) == 200

    # Deleted while work is pending and running: whoever queues something next makes the folder again.
    model = ["--visualizations", "class_model", "--set", "class_model.steps=250", "--set", "class_model.restarts=1"]
    gander.manage(["compute", "--network", "demo", "--methods", "gradient", "--targets", "0", *model])
    gander.wait(lambda: gander.states("visualization").get("running"), "a class model is being computed")
    shutil.rmtree(gander.folder / "broker")
    assert status(address) == 200
    gander.wait(lambda: is_done(gander, saliencymap=1, visualization=1, measurement=1, picture=2), "all is computed")

    # Deleted while the worker waits for messages: it ends, which is said, and the next one does what is ordered.
    shutil.rmtree(gander.folder / "broker", ignore_errors=True)
    gander.wait(lambda: "The worker ended with exit code 1; it is started again" in gander.log("up.log"), "it is said")
    assert status(address) == 200
    gander.manage(["compute", "--network", "demo", "--methods", "gradient", "--targets", "1,2"])
    gander.wait(lambda: is_done(gander, saliencymap=3, visualization=1, measurement=1, picture=4), "all is computed")

    family = descendants(process.pid)
    assert len(family) >= 3  # gunicorn's master and worker, Celery's worker
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert running(family) == set()
    assert "Traceback" not in gander.log("up.log").rpartition("Stopping.")[2]


def test_a_web_server_without_a_worker_ends_when_up_is_killed(gander: Installation) -> None:
    process, address = start(gander, "--no-worker", "--workers", "1", "--port", "18000")
    family = descendants(process.pid)
    assert status(address) == 200
    assert gander.query("SELECT count(*) FROM attribution_worker") == [(0,)]
    process.kill()
    process.wait()
    gander.wait(lambda: not running(family), "its children end")
