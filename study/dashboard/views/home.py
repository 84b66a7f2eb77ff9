"""Where a researcher arrives: what there is and what to do next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from study.dashboard import following, guidance
from study.dashboard.access import page, signed_in
from study.models import Study


@page("GET")
def home(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    steps = guidance.steps(user)
    context = {
        "steps": steps,
        "is_new": not all(step.is_done for step in steps),
        "numbers": guidance.numbers(user),
        "studies": Study.objects.visible_to(user).order_by("-created_at")[:5],
    }
    return render(request, "dashboard/home.html", following.marked(request, "dashboard/home_workers.html", context))


@page("GET")
def workers(request: HttpRequest) -> HttpResponse:
    """The part of the home page that follows the workers."""
    numbers = guidance.numbers(signed_in(request))
    return following.part(request, "dashboard/home_workers.html", {"numbers": numbers})
