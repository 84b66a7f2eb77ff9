"""Where participants come from: one link for each source, open or closed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from study.dashboard.access import open_study, page, signed_in
from study.dashboard.forms.studies import RecruitmentForm
from study.models import Membership, Recruitment


@page("POST")
def add_recruitment(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    study = open_study(request, slug, version, needs=Membership.Role.EDITOR).study
    form = RecruitmentForm(study, request.POST)
    if not form.is_valid():
        return render(request, "dashboard/recruitment.html", {"study": study, "form": form})
    source = form.save()
    study.note("added a recruitment source", signed_in(request), name=source.name)
    messages.success(request, f"“{source.name}” has its own link now.")
    return redirect("dashboard:study", slug, version)


@page("POST")
def toggle_recruitment(request: HttpRequest, slug: str, version: int, pk: int) -> HttpResponse:
    """Open or close one source's link."""
    study = open_study(request, slug, version, needs=Membership.Role.EDITOR).study
    source = get_object_or_404(Recruitment, pk=pk, study=study)
    source.is_open = request.POST.get("open") == "yes"
    source.save(update_fields=["is_open"])
    words = "opened" if source.is_open else "closed"
    study.note(f"{words} a recruitment source", signed_in(request), name=source.name)
    messages.success(request, f"The link of “{source.name}” is {'open' if source.is_open else 'closed'}.")
    return redirect("dashboard:study", slug, version)
