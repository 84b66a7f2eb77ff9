"""``simulate SLUG --participants N --seed S``: bots take the survey over HTTP, marked as simulated for ever."""

import argparse
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from tqdm import tqdm

from study import invitations
from study.management.naming import named
from study.models import Participant, Study
from study.processes import StartError, Supervisor, free_port, web
from study.survey import session
from study.survey.bots import Bot, BotError, Keys


class Command(BaseCommand):
    help = "Have bots take a study over HTTP; their answers are marked as simulated for ever."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the study, its newest version")
        parser.add_argument("--participants", type=int, required=True, metavar="N", help="how many bots")
        parser.add_argument("--seed", type=int, required=True, metavar="S", help="the same seed gives the same bots")
        parser.add_argument(
            "--skill", type=float, default=0.7, metavar="X", help="probability of answering by the key, 0 to 1 (0.7)"
        )
        parser.add_argument(
            "--skill-in",
            action="append",
            default=[],
            type=condition_and_skill,
            metavar="CONDITION=X",
            help="another skill in this condition, so that there is an effect to find; may be given several times",
        )
        parser.add_argument("--url", default="", help="a running site over this database; without it, one is started")
        parser.add_argument("--concurrency", type=int, default=4, metavar="C", help="bots at the same time (4)")

    def handle(self, *args: Any, **options: Any) -> None:
        study = named(options["slug"])
        if study.state != Study.State.RUNNING:
            raise CommandError(f"{study} is {study.state}; bots take a study that is running.")
        if not 0 <= options["skill"] <= 1:
            raise CommandError(f"--skill {options['skill']:g} should be from 0 to 1.")
        options["skill_in"] = dict(options["skill_in"])
        conditions = study.condition_set.values_list("name", flat=True)
        if unknown := sorted(options["skill_in"].keys() - set(conditions)):
            raise CommandError(f"{study} has no condition “{unknown[0]}”; it has {', '.join(sorted(conditions))}.")
        if options["participants"] < 1 or options["concurrency"] < 1:
            raise CommandError("--participants and --concurrency should be at least 1.")
        with nullcontext(options["url"]) if options["url"] else serving() as site:
            taking = bots(study, site, **options)
            failures = self.simulate(taking, options["concurrency"])
        if failures:
            raise CommandError(
                f"{len(failures)} of {options['participants']} bots did not finish; the first said: {failures[0]}"
            )
        self.stdout.write(f"{options['participants']} simulated participants have taken {study}.")
        stopped = Counter(bot.state for bot in taking if bot.state != Participant.State.COMPLETED)
        for state, count in sorted(stopped.items()):
            self.stdout.write(f"Of these were stopped before the end: {count} ({state}).")

    def simulate(self, bots: list[Bot], concurrency: int) -> list[str]:
        """Let all bots take the survey, some at a time; what those that did not finish said."""
        failures = []
        with ThreadPoolExecutor(concurrency) as pool:
            waiting: list[Future[str]] = [pool.submit(bot.take) for bot in bots]
            for done in tqdm(as_completed(waiting), total=len(bots), unit="bot", desc="Simulating"):
                if isinstance(problem := done.exception(), BotError):
                    failures.append(str(problem))
                else:
                    done.result()
        return failures


def condition_and_skill(text: str) -> tuple[str, float]:
    """What ``--skill-in`` says, as (condition, skill)."""
    condition, _, skill = text.rpartition("=")
    try:
        known = float(skill)
    except ValueError:
        known = math.nan
    if not condition or not 0 <= known <= 1:
        raise argparse.ArgumentTypeError(f"“{text}” should be a condition and a skill from 0 to 1, as in photo=0.95.")
    return condition, known


@contextmanager
def serving() -> Iterator[str]:
    """A site over this database for as long as the block runs; gives its address."""
    call_command("collectstatic", interactive=False, verbosity=0)
    port = free_port(8900)
    with Supervisor([web(port)]) as supervisor:
        try:
            supervisor.wait_ready()
        except StartError as error:
            raise CommandError(str(error)) from error
        yield f"http://127.0.0.1:{port}"


def bots(
    study: Study, site: str, *, participants: int, seed: int, skill: float, skill_in: Mapping[str, float], **others: Any
) -> list[Bot]:
    invitation = invitations.make(study, Participant.Origin.SIMULATED)
    return [
        Bot(site, invitation, random.Random(f"{seed}:{number}"), skill, skill_in, keys_in_database)
        for number in range(participants)
    ]


def keys_in_database(token: str) -> Keys:
    """The keys of a participation, read from this process's database; {} where the site has another one."""
    try:
        return session.keys_of(token)
    finally:
        connection.close()  # each bot's thread has a connection of its own
