"""Who may do what with a study."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from study.dashboard.access import open_study, page, signed_in
from study.dashboard.forms.studies import MemberForm
from study.models import Membership


@page("GET", "POST")
def members(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    needs = Membership.Role.OWNER if request.method == "POST" else Membership.Role.VIEWER
    opened = open_study(request, slug, version, needs=needs)
    study = opened.study
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if study.admit(form.cleaned_data["user"], form.cleaned_data["role"], by=signed_in(request)):
            messages.success(request, f"{form.cleaned_data['user']} is {form.cleaned_data['role']} now.")
            return redirect("dashboard:members", slug, version)
        form.add_error("role", "A study keeps at least one owner; make somebody else an owner first.")
    members = study.membership_set.select_related("user").order_by("user__username")
    context = {"opened": opened, "study": study, "form": form, "members": members}
    return render(request, "dashboard/members.html", context)


@page("POST")
def remove_member(request: HttpRequest, slug: str, version: int, pk: int) -> HttpResponse:
    study = open_study(request, slug, version, needs=Membership.Role.OWNER).study
    membership = get_object_or_404(Membership, pk=pk, study=study)
    if membership.is_last_owner:
        messages.error(request, "A study keeps at least one owner; make somebody else an owner first.")
        return redirect("dashboard:members", slug, version)
    membership.delete()
    study.note("removed a member", signed_in(request), member=membership.user.get_username(), role=membership.role)
    messages.success(request, f"{membership.user} is no member any more.")
    if membership.user == request.user:
        return redirect("dashboard:studies")
    return redirect("dashboard:members", slug, version)
