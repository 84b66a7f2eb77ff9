"""Who may do what on a page: what a view fetches, it fetches through here."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods

from study.models import Membership, Study

Parameters = ParamSpec("Parameters")
View = Callable[Concatenate[HttpRequest, Parameters], HttpResponseBase]
RANK = {Membership.Role.VIEWER: 1, Membership.Role.EDITOR: 2, Membership.Role.OWNER: 3}


def page(*methods: str) -> Callable[[View[Parameters]], View[Parameters]]:
    """A page of the dashboard: for people who are logged in, by these methods alone (GET brings HEAD).

    Browsers keep nothing of it, unless the view itself says for how long.
    """
    allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)

    def decorate(view: View[Parameters]) -> View[Parameters]:
        guarded: Any = login_required(require_http_methods(allowed)(view))

        def guard(request: HttpRequest, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> HttpResponseBase:
            response: HttpResponseBase = guarded(request, *args, **kwargs)
            if not response.has_header("Cache-Control"):
                add_never_cache_headers(response)
            return response

        update_wrapper(guard, view)
        return guard

    return decorate


@dataclass(frozen=True)
class Opened:
    """A study and what the person who opened it may do with it."""

    study: Study
    role: str

    @property
    def may_edit(self) -> bool:
        return self.role in (Membership.Role.EDITOR, Membership.Role.OWNER)

    @property
    def may_own(self) -> bool:
        return self.role == Membership.Role.OWNER


def open_study(request: HttpRequest, slug: str, version: int, *, needs: str = Membership.Role.VIEWER) -> Opened:
    """The study, for its members: others do not learn that it exists (404), a lesser role reads what it lacks (403)."""
    study = get_object_or_404(Study.objects.defer("frozen"), slug=slug, version=version)
    role = study.role_of(signed_in(request))
    if not role:
        raise Http404
    if RANK[Membership.Role(role)] < RANK[Membership.Role(needs)]:
        raise PermissionDenied(f"You are a {role} of this study; this needs its {needs}.")
    return Opened(study, role)


def signed_in(request: HttpRequest) -> User:
    """Who is logged in; 403 for nobody."""
    if not request.user.is_authenticated:
        raise PermissionDenied("This needs somebody who is logged in.")
    return request.user
