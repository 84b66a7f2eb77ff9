"""How many participants and items a study needs: asked for, followed while a worker simulates, read as a curve."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

import study.tasks  # noqa: F401  registers the power analyses among what is nudged
from attribution.models import State
from study.dashboard import following, orders
from study.dashboard.access import Opened, open_study, page, signed_in
from study.dashboard.forms.power import PowerForm
from study.models import Membership, PowerAnalysis

PART = "dashboard/power_live.html"


@page("GET", "POST")
def power(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """Ask for a power analysis, and all those that were asked for."""
    needs = Membership.Role.EDITOR if request.method == "POST" else Membership.Role.VIEWER
    opened = open_study(request, slug, version, needs=needs)
    form = PowerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _ask(request, opened, form):
        return redirect("dashboard:power", slug, version)
    context = {"form": form, **_context(opened)}
    return render(request, "dashboard/power.html", following.marked(request, PART, context))


@page("GET")
def live(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """The part of the page that follows the simulations."""
    return following.part(request, PART, _context(open_study(request, slug, version)))


@page("GET")
def table(request: HttpRequest, slug: str, version: int, pk: int) -> HttpResponseBase:
    """Every cell of a finished power analysis as CSV."""
    from study import power_verdict  # brings the numerical libraries, which no other page of the dashboard needs
    from study.power_plan import Plan

    opened = open_study(request, slug, version)
    found = get_object_or_404(PowerAnalysis, pk=pk, study=opened.study, state=State.DONE).results
    lines = power_verdict.table(Plan(**found["plan"]), found["cells"], found["ceilings"])
    name = f"{slug}-v{version}-power-{pk}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse("".join(lines), content_type="text/csv; charset=utf-8", headers=headers)


def _ask(request: HttpRequest, opened: Opened, form: PowerForm) -> bool:
    from study import power as asking  # brings the numerical libraries, which no other page of the dashboard needs
    from study.power_plan import PowerError

    try:
        orders.send([asking.ask(opened.study, signed_in(request), **form.given(opened.study))])
    except PowerError as error:
        form.add_error(None, str(error))
        return False
    return True


def _context(opened: Opened) -> dict[str, Any]:
    rows = list(PowerAnalysis.objects.filter(study=opened.study)[:10])
    return {
        "opened": opened,
        "study": opened.study,
        "analyses": rows,
        "is_live": any(row.is_unfinished for row in rows),
    }
