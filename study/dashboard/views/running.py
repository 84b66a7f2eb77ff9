"""What is done with a study: prepared, tried, launched, paused, resumed, closed."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from study import invitations, preparation
from study.dashboard import overview
from study.dashboard.access import open_study, page, signed_in
from study.models import Membership, Participant, Study


@page("POST")
def prepare(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    opened = open_study(request, slug, version, needs=Membership.Role.EDITOR)
    return _done(request, opened.study, lambda: preparation.prepare(opened.study), "The workers prepare the study.")


@page("POST")
def try_again(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """Let what could not be computed for the study be tried again."""
    study = open_study(request, slug, version, needs=Membership.Role.EDITOR).study
    return _done(request, study, lambda: preparation.retry(study), "What failed waits for a worker again.")


@page("GET", "POST")
def launch(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """Asks first: launching freezes the study for good."""
    opened = open_study(request, slug, version, needs=Membership.Role.OWNER)
    study = opened.study
    if request.method == "POST":
        return _done(
            request, study, lambda: preparation.launch(study, signed_in(request)), "Launched: the link is open."
        )
    return render(request, "dashboard/launch.html", {"study": study, **overview.frozen(study)})


@page("POST")
def pause(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    study = open_study(request, slug, version, needs=Membership.Role.EDITOR).study
    return _done(request, study, lambda: preparation.pause(study, signed_in(request)), "Paused: nobody new comes in.")


@page("POST")
def resume(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    study = open_study(request, slug, version, needs=Membership.Role.EDITOR).study
    return _done(request, study, lambda: preparation.resume(study, signed_in(request)), "The link is open again.")


@page("POST")
def close(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    study = open_study(request, slug, version, needs=Membership.Role.OWNER).study
    return _done(request, study, lambda: preparation.close(study, signed_in(request)), "Closed for good.")


@page("POST")
def preview(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """Take the study oneself; what a preview answers never counts."""
    study = open_study(request, slug, version, needs=Membership.Role.EDITOR).study
    return redirect(invitations.make(study, Participant.Origin.PREVIEW))


def _done(request: HttpRequest, study: Study, action: Callable[[], object], words: str) -> HttpResponse:
    try:
        action()
    except (preparation.DocumentError, preparation.StateError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, words)
    return redirect("dashboard:study", study.slug, study.version)
