"""A whole Gander of its own for tests that kill things: a folder, a database, a broker, and real processes on them."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from django.conf import settings

from tests import backends

ROOT = Path(settings.BASE_DIR)
DEMO = ROOT / "fixtures" / "demo"
EMBEDDED, SERVICES = "SQLite and files", "PostgreSQL and Redis"
OWN = ("DATABASE_URL", "CELERY_BROKER_URL", "MEDIA_ROOT", "GANDER_BROKER_DIR", "SECRET_KEY", "GANDER_PRODUCTION")

MANAGE = """
import json, sys, django
from django.core.management import call_command
django.setup()
for words in json.loads(sys.argv[1]):
    call_command(*words)
"""


class Installation:
    """Processes run with settings of seconds, and with nothing of the tests' own environment."""

    def __init__(self, folder: Path, backend: str = EMBEDDED, **environment: str) -> None:
        self.folder, self.backend = folder, backend
        self.database_name = f"gander_test_{os.getpid()}_{time.monotonic_ns()}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in OWN},
            "DJANGO_SETTINGS_MODULE": "study.settings",
            "GANDER_VAR": str(folder),
            "OMP_NUM_THREADS": "1",
            "COMPUTE_LEASE_SECONDS": "4",
            "COMPUTE_SWEEP_SECONDS": "0.5",
            "COMPUTE_NUDGE_SECONDS": "2",
            **environment,
        }
        if backend == SERVICES:
            self._on_server(f'CREATE DATABASE "{self.database_name}"')
            self.address = backends.DATABASE_URL.rpartition("/")[0] + "/" + self.database_name
            # The next database after the tests' own: two runs at once would only take each other's nudges.
            base, _, number = backends.BROKER_URL.rpartition("/")
            self.broker = f"{base}/{int(number) + 1}"
            self.environment |= {"DATABASE_URL": self.address, "CELERY_BROKER_URL": self.broker}
        self.processes: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        for process in self.processes:
            self.kill(process)
        if self.backend == SERVICES:
            self.lose_messages()
            self._on_server(f'DROP DATABASE IF EXISTS "{self.database_name}" WITH (FORCE)')

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(_plain(backends.DATABASE_URL), autocommit=True) as connection:
            connection.execute(statement.encode())

    def manage(self, *commands: Sequence[str]) -> str:
        """Run commands to their end, in one process; raises RuntimeError with what they said where one fails."""
        return self.run("-c", MANAGE, json.dumps(commands))

    def run(self, *arguments: str) -> str:
        """What Python prints; raises RuntimeError with what it said where it fails."""
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"{arguments}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def start(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        """A process in a group of its own, writing to the file ``log``."""
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        self.processes.append(process)
        return process

    def start_worker(self, name: str) -> subprocess.Popen[bytes]:
        options = ["--pool", "solo", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        return self.start("-m", "celery", "-A", "study.celery", "worker", *options, "-n", name, log=f"{name}.log")

    @staticmethod
    def kill(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGKILL) -> None:
        """Kill a process and all of its group, as a power cut would."""
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            return
        finally:
            process.wait(30)

    def lose_messages(self) -> None:
        """The broker forgets everything."""
        if self.backend == SERVICES:
            redis.Redis.from_url(self.broker).flushdb()
        else:
            shutil.rmtree(self.folder / "broker" / "queue")
            (self.folder / "broker" / "queue").mkdir()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of this installation's database."""
        if self.backend == SERVICES:
            with psycopg.connect(_plain(self.address)) as connection:
                return connection.execute(statement.encode()).fetchall()
        with closing(sqlite3.connect(self.folder / "gander.sqlite3", timeout=20)) as database:
            return database.execute(statement).fetchall()

    def states(self, table: str) -> dict[str, int]:
        return dict(self.query(f"SELECT state, count(*) FROM attribution_{table} GROUP BY state"))

    def log(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def wait(self, until: Callable[[], object], what: str, *, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                logs = "\n".join(
                    f"--- {path.name}\n{self.log(path.name)[-3000:]}" for path in self.folder.glob("*.log")
                )
                raise TimeoutError(f"Waited {seconds} s until {what}.\n{logs}")
            time.sleep(0.05)


@contextmanager
def installed(folder: Path, backend: str = EMBEDDED, **environment: str) -> Iterator[Installation]:
    installation = Installation(folder, backend, **environment)
    try:
        yield installation
    finally:
        installation.close()


def _plain(address: str) -> str:
    return address.replace("postgres://", "postgresql://", 1)
