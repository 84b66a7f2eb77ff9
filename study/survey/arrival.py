"""Arriving: from a recruitment source or by invitation, over the consent page, into a participation."""

import math
import re
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_http_methods

from study import enrolment
from study.invitations import Entrance, entrance
from study.models import Participant, RecruiterIdentity, Study, new_token

from .cookies import COOKIE, EXCLUSIVE, KIOSK, keep
from .pages import html, language_of, named_languages, notice, outcome, page

CLOSED = _("It takes no more participants. Thank you for coming.")
VISIT_SALT = "study.survey.visit"
VISIT_SECONDS = 86_400
EXCLUSIVE_SALT = "study.survey.exclusive"
YEAR_SECONDS = 365 * 86_400
NUMBER = r"([0-9]{1,5}(?:\.[0-9]{1,10})?)"
VIEWPORT = re.compile(f"{NUMBER}x{NUMBER}x{NUMBER}")  # as consent.js writes it: width, height, device-pixel ratio
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The consent page; nothing is stored before somebody agrees to it."""
    way = entrance(token)
    if way is None:
        heading, words = _("This link leads nowhere"), _("Please check that you have the whole link.")
        return notice(request, heading, words, language=language_of(request, None), status=404)
    if problem := identity_problem(request, way):
        return problem
    if known := known_participant(request, way):
        return HttpResponseRedirect(reverse("survey:home", args=[known.token]))
    if shut := shut_page(request, way) or elsewhere_page(request, way):
        return shut
    if request.method == "POST":
        return decline(request, way) if request.POST.get("consent") == "no" else agree(request, way)
    return full_page(request, way) or consent_page(request, way)


def full_page(request: HttpRequest, way: Entrance) -> HttpResponse | None:
    """A page for who would read the consent page for nothing; whoever began in this browser may go on."""
    if not enrolment.quota_of(way.study, way.origin) or earlier_participation(request, way):
        return None
    try:
        enrolment.open_arms(way.study, way.origin)
    except enrolment.EnrolmentError as error:
        return no_place(request, way, error)
    return None


def no_place(request: HttpRequest, way: Entrance, error: enrolment.EnrolmentError) -> HttpResponse:
    """A page for who finds no place, or none as yet."""
    if isinstance(error, enrolment.PlacesTakenError):
        words = _("Others are still at it. A place may become free: please come again later with the same link.")
        return refuse(request, way, _("All places are taken just now"), words)
    return refuse(request, way, _("The study is closed"), CLOSED)


def identity_problem(request: HttpRequest, way: Entrance) -> HttpResponse | None:
    """A page that says what is wrong with what the recruiter sent, if anything is."""
    looking = way.recruitment.looking if way.recruitment else {}
    if any(request.GET.get(name) == value for name, value in looking.items()):
        words = _("This is only a look at it. Please accept the task where you found it, and come by its link again.")
        return refuse(request, way, _("You have not accepted the task yet"), words)
    parameter = way.recruitment.identity_parameter if way.recruitment else ""
    sent = [request.GET.get(name, "") for name in (parameter, *declared(way)) if name]
    if parameter and not request.GET.get(parameter):
        words = _("Your personal id is missing from this link. Please open the study from the page that invited you.")
    elif any(len(value) > 200 or not value.isprintable() for value in sent):
        words = _("A part of this link does not look like an id. Please open the study from the page that invited you.")
    else:
        return None
    return refuse(request, way, _("This link is not complete"), words, status=400)


def declared(way: Entrance) -> list[str]:
    return [str(name) for name in way.recruitment.other_parameters] if way.recruitment else []


def refuse(
    request: HttpRequest, way: Entrance, heading: str, words: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    language = language_of(request, way.study)
    context |= {"study": way.study, "origin": way.origin, "status": status, **shared_device(request, way)}
    response = notice(request, heading, words, language=language, **context)
    forget_whoever_was_here(response, way)
    return response


def sent_parameters(request: HttpRequest, way: Entrance) -> dict[str, str]:
    """What the recruiter's link came with, by its names."""
    names = [way.recruitment.identity_parameter, *declared(way)] if way.recruitment else []
    return {name: request.GET[name] for name in names if name and name in request.GET}


def elsewhere_page(request: HttpRequest, way: Entrance) -> HttpResponse | None:
    """A page for who has taken part in a study that excludes this one, as the recruiter's id or the browser says."""
    name = way.study.document.get("exclusive", "")
    if not name or way.recruitment is None:
        return None
    if given := external_id(request, way):
        has_been = enrolment.took_part_elsewhere(way.study, way.recruitment, given)
    else:
        has_been = not is_shared(way) and name in exclusive_names(request) and not earlier_participation(request, way)
    return has_been_elsewhere(request, way) if has_been else None


def has_been_elsewhere(request: HttpRequest, way: Entrance) -> HttpResponse:
    words = _("You have taken part in this study, or in one that belongs to it, so you cannot take part again.")
    end = outcome(way.recruitment, sent_parameters(request, way), "screened_out")
    return refuse(request, way, _("You have taken part already"), words, **end)


def exclusive_names(request: HttpRequest) -> list[str]:
    try:
        return list(signing.loads(request.COOKIES.get(EXCLUSIVE, ""), salt=EXCLUSIVE_SALT))
    except signing.BadSignature:
        return []


def is_shared(way: Entrance) -> bool:
    """Whether people come in one after the other on one device."""
    return way.recruitment is not None and way.recruitment.idle_seconds > 0


def shared_device(request: HttpRequest, way: Entrance) -> dict[str, Any]:
    """After how many seconds of silence a shared device goes where; {} where it is the person's own."""
    if way.recruitment is None or not is_shared(way):
        return {}
    return {"idle_seconds": way.recruitment.idle_seconds, "anew": request.get_full_path()}


def external_id(request: HttpRequest, way: Entrance) -> str:
    return request.GET.get(way.recruitment.identity_parameter, "") if way.recruitment else ""


def known_participant(request: HttpRequest, way: Entrance) -> Participant | None:
    """Who comes back by the recruiter's id, on this device or another."""
    given = external_id(request, way)
    if not given:
        return None
    identities = RecruiterIdentity.objects.select_related("participant")
    identity = identities.filter(recruitment=way.recruitment, external_id=given).first()
    return identity.participant if identity else None


def shut_page(request: HttpRequest, way: Entrance) -> HttpResponse | None:
    """A page for who comes too early or too late; None where the study takes people."""
    states = Study.State
    invited = way.recruitment is None and way.study.state in (states.READY, states.PAUSED, states.CLOSED)
    if way.study.state == states.RUNNING and (way.recruitment is None or way.recruitment.is_open):
        return None
    if invited:
        return None
    if way.study.state == states.PAUSED:
        return refuse(request, way, _("The study is paused"), _("Please come back later with the same link."))
    if way.study.state in (states.CLOSED, states.IMPORTED, states.RUNNING):
        return refuse(request, way, _("The study is closed"), CLOSED)
    return refuse(request, way, _("The study has not begun"), _("Please come back later with the same link."))


def consent_page(request: HttpRequest, way: Entrance, *, status: int = 200) -> HttpResponse:
    language = language_of(request, way.study)
    response = page(
        request,
        "consent",
        language=language,
        study=way.study,
        origin=way.origin,
        status=status,
        consent=html(way.study, "consent.text", language),
        languages=named_languages(way.study),
        visit=signing.dumps(new_token(), salt=VISIT_SALT),
        earlier=earlier_participation(request, way),
    )
    forget_whoever_was_here(response, way)
    return response


def forget_whoever_was_here(response: HttpResponse, way: Entrance) -> None:
    """On a shared device, whoever was here before is no longer: not even its back button leads to their pages."""
    if is_shared(way):
        response.delete_cookie(KIOSK, path="/take/")


def earlier_participation(request: HttpRequest, way: Entrance) -> Participant | None:
    """What this browser began here and has not finished."""
    token = request.COOKIES.get(COOKIE, "")
    begun = Participant.objects.filter(study=way.study, origin=way.origin, state=Participant.State.STARTED)
    return begun.filter(token=token).first() if token else None


def decline(request: HttpRequest, way: Entrance) -> HttpResponse:
    shared = shared_device(request, way)
    return notice(
        request,
        _("You have not taken part"),
        _("Nothing about you has been stored. You can close this page."),
        language=language_of(request, way.study),
        study=way.study,
        origin=way.origin,
        next_person=shared.get("anew", ""),
        **shared,
        **outcome(way.recruitment, sent_parameters(request, way), "no_consent"),
    )


def agree(request: HttpRequest, way: Entrance) -> HttpResponse:
    """Enrol; the page's own visit makes a double click, or a repeated request, one participation."""
    try:
        token = signing.loads(request.POST.get("visit", ""), salt=VISIT_SALT, max_age=VISIT_SECONDS)
    except signing.BadSignature:
        return consent_page(request, way, status=400)
    browser = browser_of(request)
    if browser.get("width", math.inf) < way.study.document.get("minimum_viewport", 0):
        words = _("The pictures need more room. Please make the window larger, or use a larger screen, and try again.")
        return refuse(request, way, _("Your window is too small"), words)
    try:
        participant = enrolment.enrol(
            way.recruitment or way.study,
            origin=way.origin,
            language=language_of(request, way.study),
            consent_version=str(way.study.document.get("consent", {}).get("version", "")),
            external_id=external_id(request, way),
            parameters={name: request.GET[name] for name in declared(way) if name in request.GET},
            browser=browser,
            token=str(token),
        )
    except enrolment.TakenPartError:
        return has_been_elsewhere(request, way)
    except enrolment.EnrolmentError as error:  # it closed, or its last place was taken, while the page was read
        return no_place(request, way, error)
    response = HttpResponseRedirect(reverse("survey:instructions", args=[participant.token]), status=303)
    if is_shared(way):
        keep(response, KIOSK, participant.token, path="/take/")
        return response
    keep(response, COOKIE, participant.token, path="/join/")
    name = way.study.document.get("exclusive", "")
    if name and way.origin == Participant.Origin.PERSON:
        names = sorted({*exclusive_names(request), name})
        keep(response, EXCLUSIVE, signing.dumps(names, salt=EXCLUSIVE_SALT), path="/join/", max_age=YEAR_SECONDS)
    return response


def browser_of(request: HttpRequest) -> dict[str, Any]:
    """The browser's family, and the viewport that the page noted: nothing more is kept of it."""
    agent = request.headers.get("User-Agent", "")
    browser: dict[str, Any] = {"family": next((name for mark, name in BROWSERS if mark in agent), "other")}
    numbers = VIEWPORT.fullmatch(request.POST.get("viewport", ""))
    if numbers:
        width, height, ratio = (float(number) for number in numbers.groups())
        browser |= {"width": width, "height": height, "device_pixel_ratio": ratio}
    return browser
