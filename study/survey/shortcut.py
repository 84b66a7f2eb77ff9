"""Answers take the short way: past sessions, users, languages and messages, of which storing one needs nothing."""

import re
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_protect

from . import participation

ADDRESS = re.compile(r"/take/([A-Za-z0-9_-]+)/responses/")
POLICY = "default-src 'none'; frame-ancestors 'none'"


class AnswersFirst:
    """Middleware after the security ones: stores answers itself and lets every other request pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.store = csrf_protect(participation.responses)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        address = ADDRESS.fullmatch(request.path_info)
        if address is None or request.method != "POST":
            return self.get_response(request)
        request.get_host()  # refuses a host that is not one of ALLOWED_HOSTS, as CommonMiddleware does
        response = self.store(request, address[1])
        response.headers["Content-Security-Policy"] = POLICY
        return response
