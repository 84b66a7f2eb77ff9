"""``demo``: everything once, on the networks and scenes that come with Gander; then the site stays up."""

import secrets
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from study.management.naming import named
from study.models import Membership, Participant, Response, Study
from study.processes import StartError, Supervisor, free_port, web, worker

FIXTURES = settings.BASE_DIR / "fixtures" / "demo"
NETWORK = "demo"
SLUG = "sense-of-class-models"
METHODS = "gradient,occlusion"
RESEARCHER = "researcher"
# The bots see most in photos and nothing in what shuffled weights draw: an effect that the report has to find.
SKILL_IN = {"class_model": 0.6, "randomized": 0.0, "photo": 0.95}


class Command(BaseCommand):
    help = (
        "Show all of Gander once: load the demo network and scenes, compute maps and class models through a worker, "
        "launch a study, let simulated participants take it, write the report, and serve the site until Ctrl-C. "
        "Run again, it reuses what is there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="end after the report")
        parser.add_argument("--participants", type=int, default=36, help="how many simulated ones (default: 36)")
        parser.add_argument("--port", type=int, default=8000, help="the next free one is taken if it is busy (8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        folder = settings.VAR_DIR / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        self.step("Preparing the database, the demo network and its scenes")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        weights = str(FIXTURES / "demo.safetensors")
        call_command("add_network", NETWORK, plugin="scenes", weights=weights, source="made by fixtures/demo/make.py")
        scenes = FIXTURES / "scenes"
        tables = {"labels": scenes / "labels.csv", "boxes": scenes / "boxes.csv", "masks": scenes / "masks"}
        call_command("add_images", scenes, **tables, source="drawn by Gander", licence="Apache-2.0", verbosity=0)
        port = free_port(options["port"])
        site = f"http://127.0.0.1:{port}"
        children = [web(port), worker()]
        with (
            (folder / "servers.log").open("ab") as log,
            Supervisor(children, say=self.stderr.write, output=log) as both,
        ):
            try:
                both.wait_ready()
                self.run_study(site, options["participants"], folder / "report")
                self.say_where(site, folder / "report", is_serving=not options["no_serve"])
                if not options["no_serve"]:
                    stopping.wait()
            except StartError as error:
                raise CommandError(f"{error} What it said is in {log.name}.") from error
            except KeyboardInterrupt:
                self.stdout.write("\nStopping.")

    def run_study(self, site: str, participants: int, report: Path) -> None:
        self.step("Computing maps and class models through the worker")
        call_command("compute", network=NETWORK, methods=METHODS, targets="predicted", wait=True)
        call_command("add_study", protocol="sense_of_class_models", network=NETWORK, slug=SLUG, set=["per_class=2"])
        call_command("launch", SLUG, wait=True, url=site)
        study = named(SLUG)
        simulated = study.participant_set.filter(
            origin=Participant.Origin.SIMULATED, state=Participant.State.COMPLETED
        ).count()
        if simulated < participants:
            self.step("Letting simulated participants take the study over HTTP")
            missing = participants - simulated
            call_command("simulate", SLUG, participants=missing, seed=simulated, skill_in=SKILL_IN.items(), url=site)
        self.step("Writing the report")
        if self.is_current(study, report):
            self.stdout.write("Nothing was answered since; the report is current.")
        else:
            call_command("report", SLUG, out=report)

    def is_current(self, study: Study, folder: Path) -> bool:
        """Whether the newest report holds every answer there is, and is still in its folder."""
        newest_report = study.report_set.first()
        answers = Response.objects.filter(trial__participant__study=study).order_by("-received_at").first()
        return (
            newest_report is not None
            and newest_report.outdated_at is None
            and (answers is None or answers.received_at <= newest_report.created_at)
            and (folder / "index.html").is_file()
        )

    def say_where(self, site: str, report: Path, *, is_serving: bool) -> None:
        study = named(SLUG)
        password = secrets.token_urlsafe(12)
        researcher, _ = get_user_model().objects.get_or_create(username=RESEARCHER, defaults={"is_staff": True})
        researcher.set_password(password)
        researcher.save()
        Membership.objects.get_or_create(study=study, user=researcher, defaults={"role": Membership.Role.OWNER})
        until = "while this runs (Ctrl-C stops it)" if is_serving else "once “make serve” runs"
        self.step(f"Done. The site is at these addresses {until}")
        for recruitment in study.recruitment_set.order_by("name"):
            self.stdout.write(f"Participants: {site}{reverse('survey:join', args=[recruitment.token])}")
        self.stdout.write(f"Researchers:  {site}{reverse('dashboard:home')} as {RESEARCHER}, password {password}")
        self.stdout.write(f"The report:   {report / 'index.html'}")
        self.stdout.flush()

    def step(self, words: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(words))
        self.stdout.flush()
