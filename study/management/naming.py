"""A study as it is named on the command line."""

from django.core.management.base import CommandError

from study.models import Study


def named(slug: str, version: int | None = None) -> Study:
    """The version of a study, or its newest one; raises CommandError with the studies that there are."""
    versions = Study.objects.filter(slug=slug).order_by("-version")
    study = versions.first() if version is None else versions.filter(version=version).first()
    if study is None:
        known = ", ".join(Study.objects.order_by("slug").values_list("slug", flat=True).distinct()) or "none"
        wanted = slug if version is None else f"{slug} version {version}"
        raise CommandError(f"There is no study “{wanted}”; there are: {known}.")
    return study
