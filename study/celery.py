"""The Celery application: the broker is a nudge, the database the truth, and every worker sweeps beside its work."""

import logging
import os
import threading
from typing import Any

from celery import Celery, bootsteps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "study.settings")

from django.conf import settings

from . import broker

logger = logging.getLogger(__name__)
app = Celery("gander")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["attribution", "study"])

if settings.CELERY_BROKER_URL.startswith("filesystem"):
    broker.make_folders(settings.BROKER_DIR)
    app.conf.broker_transport_options = broker.options(settings.BROKER_DIR)
else:
    # A page that queues work while the broker is away must not wait for it: the sweep will come.
    app.conf.broker_connection_timeout = 2
    app.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
    if settings.CELERY_BROKER_URL.startswith("redis"):
        app.conf.broker_transport_options["socket_connect_timeout"] = 2


class Sweeper(bootsteps.StartStopStep):
    """A thread of the worker that says it is there, requeues what was lost and moves studies on.

    A thread, because the solo pool computes in the process that would run a timer, for minutes; inside the worker,
    because a separate beat process is one more thing that can be dead without anybody seeing it.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.stopped = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        self.stopped.clear()
        self.thread = threading.Thread(target=self.run, args=(worker.hostname,), name="sweeper", daemon=True)
        self.thread.start()

    def stop(self, worker: Any) -> None:
        self.stopped.set()
        if self.thread:
            self.thread.join(timeout=5)

    def terminate(self, worker: Any) -> None:
        self.stop(worker)

    def run(self, name: str) -> None:
        from django.db import connections

        from attribution.models import Worker

        while True:
            try:
                sweep(name)
            except Exception:  # such as a database that is away for a while: the next round tries again
                logger.exception("The sweep failed; it is tried again in %s s.", settings.COMPUTE_SWEEP_SECONDS)
            finally:
                connections.close_all()  # a forked pool process must not inherit one that is in use
            if self.stopped.wait(settings.COMPUTE_SWEEP_SECONDS):
                break
        Worker.objects.filter(name=name, pid=os.getpid()).delete()
        connections.close_all()


def sweep(name: str) -> None:
    """One round of what a worker named ``name`` does beside its work."""
    from attribution import tasks
    from attribution.models import Worker
    from study.tasks import advance_studies, erase_expired_identities

    Worker.objects.heard(name, os.getpid())
    tasks.sweep()
    advance_studies()
    erase_expired_identities()


app.steps["worker"].add(Sweeper)
