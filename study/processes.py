"""The web server and the worker as children that are watched: one that dies is said and started again."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Self

from django.conf import settings
from django.db import connection as database

from attribution.models import Worker

LOOK_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
PORTS_TRIED = 50


class StartError(RuntimeError):
    """A child does not get ready; the message says which, and how it ended."""


@dataclass
class Child:
    """A command that should be running, in a process group of its own; ``is_ready`` asks whether it does its work."""

    name: str
    command: Sequence[str]
    is_ready: Callable[[int], bool]
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    ends: int = field(default=0, init=False)  # in a row, without having lived for a while
    start_at: float = field(default=0.0, init=False)
    last_end: str = field(default="", init=False)

    def start(self, output: IO[bytes] | None) -> None:
        environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ}
        self.start_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603  the commands are this module's own
            [sys.executable, "-m", "study.deathwatch", str(os.getpid()), *self.command],
            cwd=settings.BASE_DIR,
            env={**environment, "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "study.settings")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        )

    def note_end(self) -> float:
        """Remember how the process ended; how many seconds to wait before it is started again."""
        if self.process is None or self.process.returncode is None:
            raise RuntimeError(f"The {self.name} has not ended.")
        code = self.process.returncode
        self.last_end = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self.end_group(signal.SIGKILL)  # what it leaves behind may hold its port
        self.ends = 1 if time.monotonic() - self.start_at > LONGEST_PAUSE_SECONDS else self.ends + 1
        self.process = None
        pause = min(2.0 ** (self.ends - 2), LONGEST_PAUSE_SECONDS)
        self.start_at = time.monotonic() + pause
        return pause

    def end_group(self, number: signal.Signals) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return


class Supervisor:
    """Children that are kept running from ``with`` to its end, and are all gone afterwards.

    A thread starts and watches them. Their output goes to ``output`` (default: this process's own), what happens to
    them to ``say``.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        say: Callable[[str], object] = print,
        output: IO[bytes] | None = None,
        grace_seconds: float = 10.0,
    ) -> None:
        self.children = children
        self.say = say
        self.output = output
        self.grace_seconds = grace_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask all children to stop, end those that do not, and return when none is left."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def wait_ready(self, unless: threading.Event | None = None, *, timeout: float = 120.0) -> None:
        """Return when every child does its work, or ``unless`` is set; raises StartError."""
        deadline = time.monotonic() + timeout
        given_up = unless or threading.Event()
        while not given_up.is_set() and (waiting := self._unready()):
            for child in waiting:
                if child.ends >= 3:
                    raise StartError(f"The {child.name} does not start: it {child.last_end}, {child.ends} times.")
            if time.monotonic() > deadline:
                raise StartError(f"The {waiting[0].name} was not ready after {timeout:.0f} s.")
            given_up.wait(LOOK_SECONDS)

    def _unready(self) -> list[Child]:
        return [child for child in self.children if not self._is_ready(child)]

    @staticmethod
    def _is_ready(child: Child) -> bool:
        process = child.process
        return process is not None and process.poll() is None and child.is_ready(process.pid)

    def _watch(self) -> None:
        try:
            while not self._stopping.is_set():
                for child in self.children:
                    self._look_after(child)
                self._stopping.wait(LOOK_SECONDS)
        finally:
            self._end_all()

    def _look_after(self, child: Child) -> None:
        if child.process is None:
            if time.monotonic() >= child.start_at:
                try:
                    child.start(self.output)
                except OSError as error:  # such as no memory or no process left on this machine
                    child.start_at = time.monotonic() + LONGEST_PAUSE_SECONDS
                    self.say(f"The {child.name} cannot be started ({error}); it is tried again later.")
        elif child.process.poll() is not None:
            pause = child.note_end()
            self.say(f"The {child.name} {child.last_end}; it is started again in {pause:g} s.")

    def _end_all(self) -> None:
        running = [child for child in self.children if child.process is not None]
        for child in running:
            if child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + self.grace_seconds
        for child in running:
            if child.process is not None:
                try:
                    child.process.wait(timeout=max(deadline - time.monotonic(), 0))
                except subprocess.TimeoutExpired:
                    self.say(f"The {child.name} does not stop, so it is killed; what it was computing is not lost.")
                child.end_group(signal.SIGKILL)
                child.process.wait()


def web(port: int, *, workers: int = 2) -> Child:
    """The web server on 127.0.0.1."""
    bind = ["--bind", f"127.0.0.1:{port}", "--workers", str(workers)]
    command = [sys.executable, "-m", "gunicorn", "--config", "python:study.serving", *bind]
    return Child("web server", command, lambda pid: _answers(port))


def worker() -> Child:
    """A worker: in one process on the embedded broker, in Celery's pool of processes on any other."""
    is_embedded = settings.CELERY_BROKER_URL.startswith("filesystem")
    pool = ["--pool", "solo"] if is_embedded else []
    quiet = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "study.celery", "worker", *pool, *quiet]
    return Child("worker", command, _is_at_work)


def free_port(first: int) -> int:
    """``first``, or the next port on 127.0.0.1 that nobody listens on; raises OSError."""
    for port in range(first, first + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"All ports from {first} to {first + PORTS_TRIED - 1} are taken.")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("HEAD", "/dashboard/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_at_work(pid: int) -> bool:
    found = Worker.objects.alive().filter(pid=pid).exists()
    if not database.in_atomic_block:
        database.close()
    return found
