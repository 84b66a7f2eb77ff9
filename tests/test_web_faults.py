"""The web server is killed with ``kill -9``, all its processes, while bots answer: nothing is lost, nothing doubled.

The database is the one of DATABASE_URL, so that the test runs on PostgreSQL as well (``tests.backends``).
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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


def test_every_acknowledged_answer_survives_the_kill_of_the_whole_server_and_none_is_stored_twice(site: Site) -> None:
    invitation = site.python("""
    from study import invitations
    result = invitations.make(factories.running_study(), "simulated")
    """)
    acknowledged: list[str] = []
    enough = threading.Event()

    def note(answer: dict[str, Any], seconds: float) -> None:
        acknowledged.append(answer["client_id"])
        if len(acknowledged) > 30:
            enough.set()

    bots = [
        # They think a little, so that they are spread over the whole way when the server dies.
        Bot(site.url, invitation, random.Random(n), answered=note, think_seconds=0.3)
        for n in range(BOTS)
    ]
    site.start()
    with ThreadPoolExecutor(BOTS) as pool:
        running = [pool.submit(bot.take) for bot in bots]
        assert enough.wait(120)
        for _ in range(KILLS):
            site.kill()
            before = len(acknowledged)
            time.sleep(1)
            site.start()
            until = time.monotonic() + 60
            while len(acknowledged) < before + 20 and time.monotonic() < until and not all(b.done() for b in running):
                time.sleep(0.05)
        codes = [one.result(timeout=180) for one in running]
    assert len(set(codes)) == BOTS
    stored, trials, states = site.python("""
    result = [[str(one) for one in Response.objects.values_list("client_id", flat=True)],
              list(Response.objects.values_list("trial", flat=True)),
              [[p.state, p.trials.count(), p.trials.filter(response__isnull=False).count()]
               for p in Participant.objects.all()]]
    """)
    assert set(acknowledged) <= set(stored)
    assert len(trials) == len(set(trials)) == BOTS * 14
    assert states == [["completed", 14, 14]] * BOTS
