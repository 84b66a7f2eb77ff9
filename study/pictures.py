"""Stored pictures for everybody, before any session, database or policy work; nothing else of the media folder is."""

import re
from collections.abc import Callable

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

# What attribution.models.unguessable makes: 24 random bytes. A name never holds a path.
NAME = re.compile(r"pictures/[A-Za-z0-9_-]{32}\.png\Z")
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PublicPictures:
    """Middleware before all that costs something: answers what is under MEDIA_URL and lets every other request pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(settings.MEDIA_URL):
            return self.get_response(request)
        response = self.serve(request, request.path_info.removeprefix(settings.MEDIA_URL))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def serve(self, request: HttpRequest, name: str) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not NAME.match(name):
            return missing()
        try:
            file = default_storage.open(name)
        except FileNotFoundError:
            return missing()
        return FileResponse(file, content_type="image/png", filename=name.rpartition("/")[2])


def missing() -> HttpResponse:
    response = HttpResponse("There is no such picture.", status=404, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response
