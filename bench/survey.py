"""Server CPU per stored answer, answers a second and waiting times of the survey, beside a bare Django insert."""

import os
import pathlib
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "study.settings")
FOLDER = tempfile.TemporaryDirectory(prefix="gander-bench-")
os.environ["GANDER_VAR"] = FOLDER.name

import django  # noqa: E402  reads the folder

django.setup()

from bench import _otree  # noqa: E402  needs Django to be set up
from study import processes  # noqa: E402
from study.survey.bots import Bot, Browser  # noqa: E402
from tests import backends  # noqa: E402
from tests.serving import ROOT, Site  # noqa: E402

SESSIONS, CONCURRENCY = 60, 4
THINKING, THINK_SECONDS = 200, 2.0
STORED = 10_000
TICK = os.sysconf("SC_CLK_TCK")

# A session of twelve trials, as the peers were measured with.
MAKE_STUDY = """
from study import invitations
tasks = [{**task, "options": dict(task["options"])} for task in factories.DOCUMENT["tasks"]]
study = factories.running_study(tasks=tasks, catch={"count": 0}, practice={"count": 1, "feedback": True})
result = invitations.make(study, "simulated")
"""
# What many participants leave behind: their rows, as if they had taken the study before.
FILL = """
import uuid
from study import enrolment
study = Study.objects.get()
example = Participant.objects.filter(state="completed").order_by("pk")[0]
rows = list(example.trials.select_related("response").order_by("position"))
people = Participant.objects.bulk_create(
    [Participant(study=study, arm=example.arm, origin="simulated", state="completed", code=f"F{n}") for n in range(%d)],
    batch_size=500)
for start in range(0, len(people), 500):
    trials = Trial.objects.bulk_create([
        Trial(participant=one, stimulus_id=row.stimulus_id, task=row.task, trial_type=row.trial_type, phase=row.phase,
              position=row.position, options=row.options, seed=row.seed)
        for one in people[start:start + 500] for row in rows], batch_size=500)
    Response.objects.bulk_create([
        Response(trial=trial, answer=row.response.answer, columns=row.response.columns, response_ms=1000.0)
        for trial, row in zip(trials, rows * 500)], batch_size=500)
result = Response.objects.count()
"""

PICTURES = "from attribution.models import Picture; result = [picture.url for picture in Picture.objects.all()]"


def cpu_seconds(group: int) -> float:
    """CPU time so far of every process in the group, user and system."""
    total = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[2]) == group:
            total += int(fields[11]) + int(fields[12])
    return total / TICK


class Measured:
    """What a run cost: ``waits`` in seconds, server CPU and wall time in seconds."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.cpu = self.wall = 0.0

    @property
    def cpu_ms(self) -> float:
        return self.cpu / len(self.waits) * 1000

    @property
    def answers_a_second(self) -> float:
        return len(self.waits) / self.wall

    def wait_ms(self, part: float) -> float:
        return statistics.quantiles(self.waits, n=100)[round(part * 100) - 1] * 1000

    @contextmanager
    def of(self, group: int) -> Iterator[None]:
        cpu, began = cpu_seconds(group), time.perf_counter()
        yield
        self.wall = time.perf_counter() - began
        self.cpu = cpu_seconds(group) - cpu


def sessions(site: Site, invitation: str, count: int, concurrency: int, **options: Any) -> Measured:
    """Bots take the whole survey, ``concurrency`` at a time."""
    measured = Measured()
    bots = [
        Bot(site.url, invitation, random.Random(n), answered=lambda _, wait: measured.waits.append(wait), **options)
        for n in range(count)
    ]
    with measured.of(site.group), ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(Bot.take, bots))
    return measured


def requests(url: str, group: int, paths: list[str], send: Callable[[Browser, str], Any], concurrency: int) -> Measured:
    """The same request again and again, over ``concurrency`` kept connections."""
    measured = Measured()

    def work(part: list[str]) -> None:
        browser = Browser(url)
        for path in part:
            began = time.perf_counter()
            send(browser, path)
            measured.waits.append(time.perf_counter() - began)
        browser.close()

    with measured.of(group), ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(work, [paths[n::concurrency] for n in range(concurrency)]))
    return measured


@contextmanager
def bare(folder: pathlib.Path) -> Iterator[tuple[str, int]]:
    """The bare insert behind the same gunicorn: its address and process group."""
    database, port = folder / "bare.sqlite3", processes.free_port(18_000)
    sqlite3.connect(database).execute("CREATE TABLE answer (id INTEGER PRIMARY KEY, body TEXT)")
    server = processes.web(port)
    environment = {**os.environ, "BARE_DATABASE": str(database)}
    command = [*server.command, "bench._bare:application"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        while not server.is_ready(process.pid):
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def report(name: str, measured: Measured, note: str = "") -> None:
    sys.stdout.write(
        f"{name:<52} {measured.cpu_ms:7.2f} ms CPU {measured.answers_a_second:7.0f} /s   "
        f"p50 {measured.wait_ms(0.5):6.1f} ms  p95 {measured.wait_ms(0.95):6.1f} ms  {note}\n"
    )
    sys.stdout.flush()


def of_the_survey(site: Site, least: Measured) -> Measured:
    """Print what the survey costs on this site; returns the costs of the plain sessions."""
    invitation = site.python(MAKE_STUDY)
    site.start()
    sessions(site, invitation, 8, CONCURRENCY, fetches_pictures=False)
    few = sessions(site, invitation, SESSIONS, CONCURRENCY, fetches_pictures=False)
    ratio = f"{few.cpu_ms / least.cpu_ms:.1f} x bare"
    report(f"survey, all requests of a session, {CONCURRENCY} at a time", few, ratio)
    pictures = site.python(PICTURES)
    send = lambda browser, path: browser.get(path)  # noqa: E731
    report("a picture", requests(site.url, site.group, pictures * 200, send, CONCURRENCY))
    thinking = sessions(site, invitation, THINKING, THINKING, fetches_pictures=False, think_seconds=THINK_SECONDS)
    report(f"{THINKING} at once, thinking {THINK_SECONDS:g} s on average", thinking)
    stored = site.python(FILL % STORED)
    many = sessions(site, invitation, SESSIONS, CONCURRENCY, fetches_pictures=False)
    report(f"survey, {stored} answers stored", many, f"{many.cpu_ms / few.cpu_ms:.2f} x the same when empty")
    return few


def of_otree(folder: pathlib.Path) -> Measured:
    """The same number of sessions of twelve trials on oTree."""
    measured = Measured()
    warm, counted = 8, SESSIONS
    with _otree.served(folder, warm + counted) as (url, join, group), ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(lambda n: _otree.take(url, join, random.Random(n), lambda _: None), range(warm)))
        with measured.of(group):
            list(pool.map(lambda n: _otree.take(url, join, random.Random(n), measured.waits.append), range(counted)))
    return measured


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        body = {"responses": [{"position": 1, "attempt": 1, "answer": {"class": "goose"}, "response_ms": 1234.5}]}
        with bare(folder) as (url, group):
            send = lambda browser, path: browser.post_json(path, body, "")  # noqa: E731
            requests(url, group, ["/answer/"] * 200, send, CONCURRENCY)
            least = requests(url, group, ["/answer/"] * 2000, send, CONCURRENCY)
        report("bare Django and SQLite, one insert a request", least)
        databases = {"SQLite": "", **({} if backends.missing() else {"PostgreSQL": backends.DATABASE_URL})}
        found = {}
        for database, address in databases.items():
            say(f"on {database}")
            site = Site(folder / database, address)
            try:
                found[database] = of_the_survey(site, least)
            finally:
                site.close()
        if not _otree.is_installed():
            say("oTree is not installed beside (make bench-peers), so it was not measured.")
            return 0
        say("oTree, one server process by its design, on SQLite")
        peer = of_otree(folder / "otree")
        ratio = f"{peer.cpu_ms / found['SQLite'].cpu_ms:.1f} x ours"
        report(f"oTree, all requests of a session, {CONCURRENCY} at a time", peer, ratio)
    return 0


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
