"""Taking part: instructions, the trials page and what it sends, the last page, and leaving with everything deleted."""

import functools
import logging
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

from django.core import signing
from django.core.cache import cache
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils import translation
from django.utils.translation import gettext_noop as _
from django.views.csrf import csrf_failure
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from study import withdrawal
from study.models import Participant, RecruiterIdentity, Recruitment

from . import answers, session
from .cookies import COOKIE, KIOSK, WAY_OUT, keep
from .pages import html, language_of, notice, outcome, page
from .rows import participant_of, unanswered
from .wording import wording

logger = logging.getLogger(__name__)
WAY_OUT_SALT = "study.survey.way_out"
REQUESTS_A_MINUTE = 600  # of one participation; a person needs a few
GONE = (Participant.State.WITHDRAWN, Participant.State.ERASED)
# What a recruiter is told of who withdraws after the end: taking the answers back costs nobody what was earned.
ENDED = {
    Participant.State.COMPLETED: "complete",
    Participant.State.SCREENED_OUT: "screened_out",
    Participant.State.FAILED_CHECK: "failed_check",
}


def lost(request: HttpRequest) -> HttpResponse:
    heading, words = _("This link leads nowhere"), _("Please check that you have the whole link.")
    return notice(request, heading, words, language=language_of(request, None), status=404)


def slower(request: HttpRequest) -> HttpResponse:
    heading, words = _("Too many requests at once"), _("Please wait a minute, then load this page again.")
    return notice(request, heading, words, language=language_of(request, None), status=429)


def stop_page(request: HttpRequest, participant: Participant) -> HttpResponse | None:
    """The page for whom there is nothing to take; None where the participation is open or finished.

    Pausing or closing a study keeps newcomers out; who has begun may finish.
    """
    if participant.state == Participant.State.SCREENED_OUT:
        heading, words = _("This study is not for you"), _("Thank you for coming. You can close this page.")
        return told(request, participant, "screened_out", heading, words)
    if participant.state == Participant.State.FAILED_CHECK:
        heading, words = _("The study ends here"), _("Too many answers before the study itself were not right.")
        return told(request, participant, "failed_check", heading, words, _("Thank you for coming."))
    if participant.state in GONE:
        name, parameters = kept_way_out(request, participant)
        code = participant.code if name == "complete" else ""
        words = _("You have withdrawn from the study, and your answers are deleted. You can close this page.")
        heading = _("Your answers are deleted")
        return told(request, participant, name, heading, words, parameters=parameters, code=code)
    return None


def told(
    request: HttpRequest, participant: Participant, name: str, heading: str, *sentences: str, **options: Any
) -> HttpResponse:
    """A last page, with what the recruiter is told of this outcome."""
    return notice(request, heading, *sentences, **seen_by(participant), **last_page(participant, name, **options))


def keep_way_out(response: HttpResponse, participant: Participant) -> None:
    """Before everything goes, give the browser what the recruiter's link came with: nobody else knows it then."""
    name = ENDED.get(Participant.State(participant.state), "no_consent")
    value = signing.dumps([participant.token, name, came_with(participant)], salt=WAY_OUT_SALT)
    keep(response, WAY_OUT, value, path=reverse("survey:home", args=[participant.token]))


def kept_way_out(request: HttpRequest, participant: Participant) -> tuple[str, dict[str, str]]:
    """The outcome that the recruiter of somebody who withdrew is told, and what the link came with."""
    try:
        token, name, parameters = signing.loads(request.COOKIES.get(WAY_OUT, ""), salt=WAY_OUT_SALT)
    except signing.BadSignature:
        token = ""
    if token == participant.token:
        return name, parameters
    return "complete" if participant.completed_at else "no_consent", {}


def seen_by(participant: Participant) -> dict[str, Any]:
    return {
        "study": participant.study,
        "origin": participant.origin,
        "language": participant.language,
        "participant": participant,
        **shared_device(participant),
    }


def came_with(participant: Participant) -> dict[str, str]:
    """What the recruiter's link came with, by its names."""
    identity = RecruiterIdentity.objects.select_related("recruitment").filter(participant=participant).first()
    return {**identity.parameters, identity.recruitment.identity_parameter: identity.external_id} if identity else {}


def last_page(
    participant: Participant, name: str, *, parameters: dict[str, str] | None = None, code: str = ""
) -> dict[str, Any]:
    """The code and the ways back for an outcome; on a shared device the way to the next person's beginning."""
    parameters = came_with(participant) if parameters is None else parameters
    return {
        **outcome(participant.recruitment, parameters, name, code=code),
        "next_person": shared_device(participant).get("anew", ""),
    }


def shared_device(participant: Participant) -> dict[str, Any]:
    """After how many seconds of silence a shared device goes where; {} where it is the person's own."""
    if participant.recruitment_id is None:
        return {}
    # A launched study's sources never change, so each process reads one once.
    read = _kept_device if participant.study.frozen_at else _read_device
    seconds, token = read(participant.recruitment_id, participant.study.frozen_at)
    return {"idle_seconds": seconds, "anew": reverse("survey:join", args=[token])} if seconds else {}


def _read_device(recruitment: int, frozen_at: datetime | None) -> tuple[int, str]:
    found: tuple[int, str] = Recruitment.objects.values_list("idle_seconds", "token").get(pk=recruitment)
    return found


_kept_device = functools.lru_cache(maxsize=1024)(_read_device)


def elsewhere(request: HttpRequest, participant: Participant) -> HttpResponse | None:
    """To the beginning, where a shared device is asked for whom it is no longer open, such as by its back button."""
    device = shared_device(participant)
    if not device or request.COOKIES.get(KIOSK) == participant.token:
        return None
    return redirect(device["anew"])


def taking(view: Callable[[HttpRequest, Participant], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """A page of a participation that can be taken: the token's participant, or the page that says why not."""

    @functools.wraps(view)
    def found(request: HttpRequest, token: str) -> HttpResponse:
        if is_too_fast(token):
            return slower(request)
        participant = participant_of(token)
        if participant is None:
            return lost(request)
        return elsewhere(request, participant) or stop_page(request, participant) or view(request, participant)

    return require_safe(found)


@taking
def home(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Back to where the participant was."""
    if session.finish(participant):
        return redirect("survey:thanks", participant.token)
    has_begun = participant.trials.filter(response__isnull=False).exists()
    return redirect("survey:trials" if has_begun else "survey:instructions", participant.token)


@taking
def instructions(request: HttpRequest, participant: Participant) -> HttpResponse:
    words = html(participant.study, "instructions.text", participant.language)
    return page(request, "instructions", instructions=words, **seen_by(participant))


@taking
def trials(request: HttpRequest, participant: Participant) -> HttpResponse:
    """The page that asks; its screens come from ``responses``."""
    if session.finish(participant):
        return redirect("survey:thanks", participant.token)
    with translation.override(participant.language):
        words = wording()
    setup = {
        **session.plan(participant),
        "first": session.standing(participant, unanswered(participant, session.LOOK_AHEAD)),
        "token": participant.token,
        "csrf": get_token(request),
        "responses": reverse("survey:responses", args=[participant.token]),
        "home": reverse("survey:home", args=[participant.token]),
        "thanks": reverse("survey:thanks", args=[participant.token]),
        "words": words,
    }
    return page(request, "trials", setup=setup, **seen_by(participant))


@require_POST
def responses(request: HttpRequest, token: str) -> HttpResponse:
    """Store answers, say so, and send the next screens: the one address that the trials page talks to."""
    if is_too_fast(token):
        words = "Too many requests for one participation; the page tries again in a moment."
        return JsonResponse({"problem": words}, status=429, headers={"Retry-After": "5"})
    try:
        given, after = answers.read(request.body)
        with transaction.atomic():
            participant = session.enter(token)
            stored, refused, upcoming = session.store(participant, given)
    except answers.RefusalError as refusal:
        return JsonResponse({"problem": str(refusal)}, status=refusal.status)
    except IntegrityError:
        words = "A client_id has been used for another answer; each answer needs its own. Nothing was stored."
        return JsonResponse({"problem": words}, status=409)
    except (OperationalError, InterfaceError):  # the disk is full, or the database's connection went
        logger.exception("Answers could not be stored; the page was asked to send them again.")
        words = "The answers could not be stored just now; the page keeps them and tries again."
        return JsonResponse({"problem": words}, status=503, headers={"Retry-After": "5"})
    reply = session.standing(participant, upcoming, after)
    reply |= {"stored": [vars(one) for one in stored], "refused": [vars(one) for one in refused]}
    return JsonResponse(reply, status=refused[0].status if refused else 200)


def is_too_fast(token: str) -> bool:
    # Minutes of the monotonic clock: set back, the other one would go on counting for as long as it was set back.
    key = f"survey.requests.{token[:64]}.{int(monotonic() // 60)}"
    cache.add(key, 0, timeout=120)
    try:
        return cache.incr(key) > REQUESTS_A_MINUTE
    except ValueError:  # its minute ended between the two lines
        return False


@taking
def thanks(request: HttpRequest, participant: Participant) -> HttpResponse:
    """The last page; the code stands on it once every expected response is in the database."""
    if not session.finish(participant):
        return redirect("survey:home", participant.token)
    context = {**seen_by(participant), **last_page(participant, "complete", code=participant.code)}
    context["debriefing"] = html(participant.study, "debriefing.text", participant.language)
    response = page(request, "thanks", **context)
    response.delete_cookie(COOKIE, path="/join/")
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    """Stop now: asked once more, then everything is deleted."""
    if is_too_fast(token):
        return slower(request)
    participant = participant_of(token)
    if participant is None:
        return lost(request)
    if there := elsewhere(request, participant):
        return there
    if participant.state in GONE:
        return redirect("survey:home", token)
    if request.method == "POST":
        response = HttpResponseRedirect(reverse("survey:home", args=[token]), status=303)
        keep_way_out(response, participant)
        withdrawal.withdraw(participant)
        return response
    return page(request, "withdraw", **seen_by(participant))


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_by_code(request: HttpRequest) -> HttpResponse:
    """Later, from any device: the withdrawal code of the last page deletes the answers."""
    language = language_of(request, None)
    code = "".join(character for character in request.POST.get("code", "")[:40].upper() if character.isalnum())
    participant = Participant.objects.select_related("study").filter(withdrawal_code=code).first() if code else None
    if participant:
        withdrawal.withdraw(participant)
        words = _("You have withdrawn from the study, and your answers are deleted. You can close this page.")
        return notice(request, _("Your answers are deleted"), words, language=language)
    is_refused = request.method == "POST"
    status = 422 if is_refused else 200
    return page(request, "withdraw_by_code", language=language, is_refused=is_refused, code=code, status=status)


def cookies_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's page for a POST without its CSRF token, in words that a participant can act on."""
    try:
        page = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return csrf_failure(request, reason=reason)
    if page.app_name != "survey":
        return csrf_failure(request, reason=reason)
    language = language_of(request, None)
    if page.url_name == "responses":
        words = "The request came without the page's security token; the page should be loaded again."
        return JsonResponse({"problem": words}, status=403)
    return notice(
        request,
        _("Your browser keeps no cookies"),
        _("This site sets a cookie so that nobody else can send forms in your name, and it did not come back."),
        _("Please allow cookies for this site, go back, load the page again, and try once more."),
        language=language,
        status=403,
    )
