"""The end of a blinded study: its conditions get their names back, which the audit log keeps."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from study import blinding
from study.dashboard.access import open_study, page, signed_in
from study.launching import StateError
from study.models import Membership


@page("POST")
def lift(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    study = open_study(request, slug, version, needs=Membership.Role.OWNER).study
    try:
        blinding.lift(study, signed_in(request))
    except StateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The conditions have their names again; make a report to see what they did.")
    return redirect("dashboard:study", slug, version)
