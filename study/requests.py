"""What no request may hold, refused before anything reads it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

WORDS = "The address or a cookie holds a NUL character, which no address of this site has."


class NoNul:
    """Middleware: PostgreSQL refuses a query with a NUL, where SQLite finds nothing; forms see to their own fields."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", "") or self.is_in_a_cookie(request):
            return HttpResponse(WORDS, status=400, content_type="text/plain; charset=utf-8")
        return self.get_response(request)

    def is_in_a_cookie(self, request: HttpRequest) -> bool:
        return any("\0" in value for value in request.COOKIES.values())
