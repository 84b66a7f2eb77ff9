"""``preregister SLUG --out FOLDER``: the plan as texts for OSF and AsPredicted and as a Stage-1 registered report."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study import blinding, registration
from study.launching import StateError
from study.management.naming import named


class Command(BaseCommand):
    help = "Write a study's preregistration, attach what others registered of it, or lift the blinding of its arms."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study's name")
        parser.add_argument("--study-version", type=int, dest="number", help="which version; otherwise the newest")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--out", type=Path, help="the folder for the texts; made if it is not there")
        what.add_argument("--osf", metavar="ID", help="the registration at OSF, such as osf.io/ab1c2")
        what.add_argument("--token", type=Path, metavar="FILE", help="an RFC 3161 time-stamp token of the study's hash")
        what.add_argument("--lift-blinding", action="store_true", help="name the conditions of a closed study again")

    def handle(self, *args: Any, **options: Any) -> None:
        study = named(options["slug"], options["number"])
        try:
            if options["lift_blinding"]:
                blinding.lift(study)
                self.stdout.write(f"The conditions of {study} have their names again; the audit log says so.")
            elif options["out"]:
                paths = registration.write(study, options["out"])
                self.stdout.write(registration.time_stamp(study))
                self.stdout.write("\n".join(map(str, paths)))
            else:
                token = options["token"].read_bytes() if options["token"] else b""
                found = registration.attach(study, osf=options["osf"] or "", token=token)
                self.stdout.write(f"{study} is registered as {found['kind']} {found['id']}.")
        except (registration.RegistrationError, StateError, OSError) as error:
            raise CommandError(str(error)) from error
