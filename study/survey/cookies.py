"""The cookies besides the security token, each sent to the pages that need it alone."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse

COOKIE = "participation"  # leads a plain link's browser back to the participation it began
EXCLUSIVE = "exclusive"  # signed: in which studies that exclude each other this browser took part by a plain link
KIOSK = "at_this_device"  # of a shared device: whose participation is open on it now
WAY_OUT = "way_out"  # signed: what the recruiter's link of somebody who withdrew came with, until the browser is closed


def keep(response: HttpResponse, name: str, value: str, **where: Any) -> None:
    response.set_cookie(name, value, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE, **where)
