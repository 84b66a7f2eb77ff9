"""Children are kept running, are said to have died, and are all gone afterwards."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from study.processes import Child, StartError, Supervisor, free_port

BEATING = "import pathlib, sys, time\nwhile True: pathlib.Path(sys.argv[1]).touch(); time.sleep(0.05)"


def child(code: str, *arguments: str, is_ready: Callable[[int], bool] = lambda pid: True) -> Child:
    return Child("tester", [sys.executable, "-c", textwrap.dedent(code), *arguments], is_ready)


def wait(until: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def in_group(group: int) -> list[str]:
    listing = subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [state for number, state in rows if int(number) == group and not state.startswith("Z")]


def pid_of(one: Child) -> int:
    assert one.process is not None
    return one.process.pid


def test_a_child_that_is_killed_is_said_and_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    one = child(BEATING, str(tmp_path / "beat"), is_ready=lambda pid: (tmp_path / "beat").exists())
    with Supervisor([one], say=said.append) as supervisor:
        supervisor.wait_ready()
        first = pid_of(one)
        os.kill(first, signal.SIGKILL)
        wait(lambda: said)
        (tmp_path / "beat").unlink(missing_ok=True)
        supervisor.wait_ready()
        assert pid_of(one) != first
    assert said == ["The tester was killed by SIGKILL; it is started again in 0.5 s."]
    assert not is_running(first)


def test_a_child_has_a_process_group_of_its_own_which_is_gone_at_the_end(tmp_path: Path) -> None:
    code = f"""
        import subprocess, sys
        subprocess.run([sys.executable, "-c", {BEATING!r}, sys.argv[1]])
    """
    one = child(code, str(tmp_path / "beat"), is_ready=lambda pid: (tmp_path / "beat").exists())
    with Supervisor([one], say=lambda words: None) as supervisor:
        supervisor.wait_ready()
        group = pid_of(one)
        assert os.getpgid(group) == group != os.getpgid(0)
        assert len(in_group(group)) == 2
    wait(lambda: not in_group(group))


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    said: list[str] = []
    stubborn = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + BEATING
    one = child(stubborn, str(tmp_path / "beat"), is_ready=lambda pid: (tmp_path / "beat").exists())
    with Supervisor([one], say=said.append, grace_seconds=0.3) as supervisor:
        supervisor.wait_ready()
        pid = pid_of(one)
    assert not is_running(pid)
    assert "does not stop, so it is killed" in said[0]


def test_a_child_that_never_starts_is_an_error_that_says_how_it_ended() -> None:
    one = child("raise SystemExit(7)", is_ready=lambda pid: False)
    with (
        Supervisor([one], say=lambda words: None) as supervisor,
        pytest.raises(StartError, match="The tester does not start: it ended with exit code 7, 3 times"),
    ):
        supervisor.wait_ready()


def test_a_machine_that_starts_nothing_for_a_while_is_said_and_not_given_up() -> None:
    said: list[str] = []
    one = Child("tester", ["/nowhere"], lambda pid: True)
    one.start = lambda output: (_ for _ in ()).throw(OSError("no process left"))  # type: ignore[method-assign]
    with Supervisor([one], say=said.append):
        wait(lambda: said)
    assert said == ["The tester cannot be started (no process left); it is tried again later."]


def test_pauses_grow_while_a_child_keeps_dying_and_never_beyond_half_a_minute() -> None:
    one = child("raise SystemExit(1)")
    pauses = []
    for _ in range(9):
        one.start(None)
        assert one.process is not None
        one.process.wait()
        pauses.append(one.note_end())
    assert pauses[:4] == [0.5, 1, 2, 4]
    assert pauses[-1] == 30


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
        import os, pathlib, sys, time, django
        django.setup()
        from study.processes import Child, Supervisor
        one = Child("tester", [sys.executable, "-c", {BEATING!r}, sys.argv[1]], lambda pid: True)
        with Supervisor([one]) as supervisor:
            supervisor.wait_ready()
            print(one.process.pid, flush=True)
            time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "beat")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    wait((tmp_path / "beat").exists)
    parent.kill()
    parent.wait()
    wait(lambda: not is_running(pid))


def test_a_busy_port_gives_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]
        assert busy < free_port(busy) <= busy + 50
    assert free_port(busy) == busy


def test_the_web_servers_log_names_no_address(caplog: pytest.LogCaptureFixture) -> None:
    from gunicorn.config import Config

    from study.serving import NamelessLogger

    logger = NamelessLogger(Config())
    logger.error_log.propagate = True
    logger.warning("Invalid request from ip={ip}: {error}".format(ip="203.0.113.9", error="Invalid Method"))
    assert "203.0.113.9" not in caplog.text
    assert "Invalid Method" in caplog.text
