"""What is under the survey breaks while bots answer: nothing that was acknowledged is lost, and nothing is doubled.

The web server is killed with ``kill -9``, all its processes; PostgreSQL ends every connection.

The database is the one of DATABASE_URL, so that the test runs on PostgreSQL as well (``tests.backends``).
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from study.survey.bots import Bot
from tests.serving import Site

pytestmark = pytest.mark.services
BOTS, KILLS = 20, 3


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"), os.environ.get("DATABASE_URL", ""))
    try:
        yield site
    finally:
        site.close()


class Load:
    """Bots that take the survey side by side, what the server acknowledged to them, and what is stored in the end."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.acknowledged: list[str] = []
        invitation = site.python("""
        from study import invitations
        result = invitations.make(factories.running_study(), "simulated")
        """)
        # They think a little, so that they are spread over the whole way when something breaks.
        self.bots = [
            Bot(site.url, invitation, random.Random(n), answered=self.note, think_seconds=0.3) for n in range(BOTS)
        ]

    def note(self, answer: dict[str, Any], seconds: float) -> None:
        self.acknowledged.append(answer["client_id"])

    def withstands(self, fault: Callable[[], object], times: int) -> None:
        """Break something ``times`` times, 20 answers apart: every bot ends, every answer is stored, and once."""
        with ThreadPoolExecutor(BOTS) as pool:
            running = [pool.submit(bot.take) for bot in self.bots]
            self.wait_for(30, running)
            for _ in range(times):
                fault()
                self.wait_for(len(self.acknowledged) + 20, running)
            codes = [one.result(timeout=180) for one in running]
        assert len(set(codes)) == BOTS
        stored, trials, states = self.site.python("""
        result = [[str(one) for one in Response.objects.values_list("client_id", flat=True)],
                  list(Response.objects.values_list("trial", flat=True)),
                  [[p.state, p.trials.count(), p.trials.filter(response__isnull=False).count()]
                   for p in Participant.objects.all()]]
        """)
        assert set(self.acknowledged) <= set(stored)
        assert len(trials) == len(set(trials)) == BOTS * 14
        assert states == [["completed", 14, 14]] * BOTS

    def wait_for(self, answers: int, running: list[Future[str]]) -> None:
        until = time.monotonic() + 120
        while len(self.acknowledged) < answers and not all(one.done() for one in running):
            assert time.monotonic() < until, f"{len(self.acknowledged)} answers, {answers} wanted"
            time.sleep(0.05)


def test_every_acknowledged_answer_survives_the_kill_of_the_whole_server_and_none_is_stored_twice(site: Site) -> None:
    load = Load(site)
    site.start()

    def kill_and_start() -> None:
        site.kill()
        time.sleep(1)
        site.start()

    load.withstands(kill_and_start, KILLS)


def test_answers_survive_that_the_database_ends_all_connections_while_they_come(site: Site) -> None:
    if not site.database:
        pytest.skip("SQLite has no connections to end; runs on PostgreSQL (tests.backends).")
    load = Load(site)
    site.start()
    ended: list[int] = []
    load.withstands(lambda: ended.append(site.disconnect()), 8)
    assert sum(ended) > 0
