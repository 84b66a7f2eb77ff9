"""Too many failed attempts to log in: locked by user name, and nothing kept about the browser or where it is."""

from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username, get_cool_off
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


class LockoutHandler(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """axes' counting in the database, without the browser's self-description that axes would store beside it."""

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        if request is not None:
            request.axes_user_agent = request.axes_http_accept = ""
        super().user_login_failed(sender, credentials, request, **kwargs)


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The page that says until when an account is locked."""
    wait: timedelta = get_cool_off(request) or timedelta()
    context = {"username": get_client_username(request, credentials) or "", "minutes": round(wait.total_seconds() / 60)}
    return render(request, "dashboard/locked_out.html", context, status=429)
