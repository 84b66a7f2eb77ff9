"""A real site for tests: gunicorn over a database and a folder of its own, that can be killed and started again."""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg

from study import processes

ROOT = Path(__file__).resolve().parent.parent


class Site:
    """``url`` answers while it is started; its rows are reached by Python run in a process of its own."""

    def __init__(self, folder: Path, database_url: str = "", workers: int = 2) -> None:
        self.folder, self.workers = folder, workers
        folder.mkdir(parents=True, exist_ok=True)
        self.port = processes.free_port(random.randint(20_000, 50_000))
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "gunicorn.log"
        environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "CELERY_BROKER_URL")}
        self.environment = {
            **environment,
            "GANDER_VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "study.settings",
            "OMP_NUM_THREADS": "1",
            "LOG_LEVEL": "WARNING",
        }
        self.database = self._make_database(database_url) if database_url else ""
        if self.database:
            self.environment["DATABASE_URL"] = self.database
        self.manage("migrate", "--verbosity=0")
        self.manage("collectstatic", "--noinput", "--verbosity=0")

    def _make_database(self, address: str) -> str:
        self.server, self.database_name = address, f"gander_{uuid.uuid4().hex[:12]}"
        self._on_server(f'CREATE DATABASE "{self.database_name}"')
        return address.rpartition("/")[0] + "/" + self.database_name

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(self.server.replace("postgres://", "postgresql://", 1), autocommit=True) as connection:
            connection.execute(statement.encode())

    def manage(self, *arguments: str) -> str:
        return self._run([sys.executable, "manage.py", *arguments])

    def python(self, code: str) -> Any:
        """What ``code`` puts in ``result``, run with Django set up and the factories imported."""
        prelude = "import django, json; django.setup(); from tests.study import factories; from study.models import *\n"
        closing = "\nprint('RESULT ' + json.dumps(result))"
        return json.loads(
            self._run([sys.executable, "-c", prelude + textwrap.dedent(code) + closing]).split("RESULT ")[-1]
        )

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[:4])} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    @property
    def group(self) -> int:
        """The process group of the running server."""
        if self.process is None:
            raise RuntimeError("The site is not started.")
        return self.process.pid

    def start(self) -> "Site":
        server = processes.web(self.port, workers=self.workers)
        with self.log.open("ab") as log:
            # A session of its own, so that the whole process group can be killed, as a power cut would.
            self.process = subprocess.Popen(
                server.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        for _attempt in range(600):
            if server.is_ready(self.process.pid):
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"The site does not answer:\n{self.log.read_text()}")

    def processes(self) -> list[int]:
        """The ids of the server's processes: master and workers."""
        listing = subprocess.run(["ps", "-e", "-o", "pid=,pgid="], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in listing.splitlines()]
        return [int(pid) for pid, group in rows if int(group) == self.group]

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the whole process group: master and workers."""
        if self.process:
            os.killpg(self.process.pid, how)
            self.process.wait(30)
            self.process = None

    def disconnect(self) -> int:
        """End every connection to its PostgreSQL database, as that one's own restart would; how many there were."""
        address = self.server.replace("postgres://", "postgresql://", 1)
        ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
        with psycopg.connect(address, autocommit=True) as connection:
            (count,) = connection.execute(ended, [self.database_name]).fetchone() or (0,)
        return int(count)

    def close(self) -> None:
        self.kill(signal.SIGTERM)
        if self.database:
            self._on_server(f'DROP DATABASE IF EXISTS "{self.database_name}" WITH (FORCE)')
