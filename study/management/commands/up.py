"""Web server and worker on one machine, until Ctrl-C."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from study.processes import StartError, Supervisor, free_port, web, worker


class Command(BaseCommand):
    help = (
        "Serve the site and compute: prepares the database and the static files, then runs the web server (on "
        "127.0.0.1) and a worker, starts either again when it dies, and stops both on Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the next free one is taken if it is busy (8000)")
        parser.add_argument("--workers", type=int, default=2, help="processes of the web server (default: 2)")
        parser.add_argument("--no-worker", action="store_true", help="serve only; workers run elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["workers"] < 1:
            raise CommandError("The web server needs at least one process: --workers 1.")
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        try:
            port = free_port(options["port"])
        except (OSError, OverflowError) as error:
            raise CommandError(str(error)) from error
        if port != options["port"]:
            self.say(f"Port {options['port']} is busy, so it is {port}.")
        children = [web(port, workers=options["workers"]), *([] if options["no_worker"] else [worker()])]
        with Supervisor(children, say=self.say) as supervisor:
            try:
                supervisor.wait_ready(stopping)
            except StartError as error:
                raise CommandError(str(error)) from error
            if not stopping.is_set():
                self.say(f"Gander is at http://127.0.0.1:{port}/dashboard/ (Ctrl-C stops it).")
            stopping.wait()
            self.say("Stopping.")

    def say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()
