"""``erase SLUG --participant CODE``: what somebody answered and who it is go; a row stays that only counts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from study import withdrawal
from study.management.naming import named


class Command(BaseCommand):
    help = "Erase a participant of a study (any version), or the recruiters' ids whose time is over."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study's name")
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--participant", metavar="CODE", help="by the code that stands in participants.csv")
        whom.add_argument("--recruiter-id", metavar="ID", help="by what the recruiter calls the person")
        whom.add_argument(
            "--expired", action="store_true", help="the recruiters' ids of this study, if its identities_until is past"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = named(options["slug"])
        if options["expired"]:
            self._expired(study.slug, study.document.get("identities_until", ""))
            return
        code, recruiter_id = options["participant"] or "", options["recruiter_id"] or ""
        try:
            gone = withdrawal.erase(withdrawal.found(study.slug, code=code, recruiter_id=recruiter_id))
        except withdrawal.ErasureError as error:
            raise CommandError(str(error)) from error
        also = " and the recruiter's id" if gone.had_identity else ""
        self.stdout.write(
            f"Erased from {gone.study}: {gone.responses} answers{also}. A row that only counts stays, as {gone.code}."
        )
        if gone.reports:
            self.stdout.write(f"Reports that are outdated by it: {gone.reports}. Write a new one: report {study.slug}.")

    def _expired(self, slug: str, until: str) -> None:
        if not until:
            raise CommandError(
                f"“{slug}” keeps recruiters' ids without a date; its document may say identities_until = “2027-12-31”."
            )
        count = withdrawal.erase_expired_identities(slug)
        self.stdout.write(f"Recruiters' ids erased: {count}. They are kept until {until}; the answers stay.")
