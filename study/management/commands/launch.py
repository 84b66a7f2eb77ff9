"""``launch SLUG``: let participants into a study that is ready; with ``--wait``, as soon as it is."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from tqdm import tqdm

from attribution import tasks
from attribution.models import Worker
from study import launching, preparation
from study.management.naming import named
from study.models import Study

POLL_SECONDS = 0.5


class Command(BaseCommand):
    help = "Freeze a study with all that it shows, and let participants in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study's name")
        parser.add_argument("--wait", action="store_true", help="wait until its pictures are computed")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the site is served, for the link")

    def handle(self, *args: Any, **options: Any) -> None:
        study = named(options["slug"])
        if study.state == Study.State.RUNNING:
            self.stdout.write(f"{study} is running already.")
        else:
            self._launch(study, wait=options["wait"])
        for recruitment in study.recruitment_set.order_by("name"):
            path = reverse("survey:join", args=[recruitment.token])
            self.stdout.write(f"Participants ({recruitment.name}): {options['url'].rstrip('/')}{path}")

    def _launch(self, study: Study, *, wait: bool) -> None:
        if study.state == Study.State.DRAFT:
            preparation.prepare(study)
        elif study.state == Study.State.PREPARING:
            preparation.retry(study)
            preparation.advance(study)
        study.refresh_from_db()
        if wait:
            self._wait(study)
        elif study.state == Study.State.PREPARING:
            found = preparation.progress(study)
            raise CommandError(
                f"{study}: {found['done']} of {found['total']} computed; with --wait this waits for them."
            )
        if study.state == Study.State.DRAFT:
            raise CommandError(f"{study} cannot be prepared:\n{study.problem}")
        for warning in launching.warnings(study):
            self.stderr.write(f"Note: {warning}")
        try:
            preparation.launch(study)
        except preparation.StateError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{study} is launched; its document, stimuli and schedule have the sha256 {study.hash}.")

    def _wait(self, study: Study) -> None:
        """Until the study is ready, or cannot become so: workers compute, or this process where there are none."""
        with tqdm(unit=" computed", desc=study.slug, disable=None) as bar:

            def show() -> dict[str, Any]:
                found = preparation.progress(study)
                bar.total, bar.n = found["total"], found["done"]
                bar.refresh()
                return found

            while study.state == Study.State.PREPARING:
                before = show()
                waiting = [list(rows.unfinished()) for rows in preparation.works(study)]
                if before["failed"] and not any(waiting):
                    raise CommandError(f"{study}: {study.problem or before['errors'][0]}")
                if any(waiting) and not Worker.objects.alive().exists():
                    tasks.do(next(rows for rows in waiting if rows), progress=show)
                if show() == before:
                    time.sleep(POLL_SECONDS)
                preparation.advance(study)
