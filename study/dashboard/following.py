"""Parts of pages that follow what changes: sent again only when they say something new.

A part that were put in place anew every few seconds would take the focus from whoever works with the keyboard, and
talk over a screen reader.
"""

import hashlib
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django_htmx.middleware import HtmxDetails

from attribution.models import Worker

TOKEN = re.compile(r'<input type="hidden" name="csrfmiddlewaretoken"[^>]*>')  # another one at each rendering


def marked(request: HttpRequest, template: str, context: dict[str, Any]) -> dict[str, Any]:
    """The context with ``no_worker``, and with ``mark``, which names what the part says with all that."""
    context = {**context, "no_worker": not Worker.objects.alive().exists()}
    said = TOKEN.sub("", render_to_string(template, {**context, "mark": ""}, request))
    return {**context, "mark": hashlib.sha256(said.encode()).hexdigest()[:16]}


def part(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The part, or 204 where it says what the page has already (``seen``): the page then leaves all as it is."""
    whole = marked(request, template, context)
    if request.GET.get("seen") == whole["mark"]:
        return HttpResponse(status=204)
    return render(request, template, whole)


def page_or_part(request: HttpRequest, whole: str, fragment: str, context: dict[str, Any]) -> HttpResponse:
    """The part where the page itself asks for it, otherwise the page around it."""
    if HtmxDetails(request):
        return part(request, fragment, context)
    return render(request, whole, marked(request, fragment, context))
