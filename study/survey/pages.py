"""One page of the survey: in the participant's language, under the banner of its origin, never cached."""

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import nh3
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header

from study.models import Participant, Recruitment, Study
from study.recruitment_sources import returning, submission
from study.texts import localised


def page(
    request: HttpRequest,
    name: str,
    *,
    language: str,
    study: Study | None = None,
    origin: str = Participant.Origin.PERSON,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """Render ``templates/survey/<name>.html``."""
    with translation.override(language):
        context |= {
            "study_title": text(study, "title", language) if study else "",
            "language": language,
            "direction": "rtl" if translation.get_language_bidi() else "ltr",
            "origin": str(origin),
        }
        response = render(request, f"survey/{name}.html", context, status=status)
    response.headers["Content-Language"] = language
    if submit := context.get("submission"):
        response._csp_update = {"form-action": submit["origins"]}  # type: ignore[attr-defined]  # as django-csp reads it
    response.headers["Cache-Control"] = "no-store"  # a page behind the back button would show what was true once
    return response


def notice(request: HttpRequest, heading: str, *sentences: str, language: str, **options: Any) -> HttpResponse:
    """A page that says one thing; heading and sentences are English and translated here."""
    with translation.override(language):
        options |= {"heading": _(heading), "sentences": [_(sentence) for sentence in sentences]}
    return page(request, "notice", language=language, **options)


def text(study: Study, key: str, language: str) -> str:
    """A text of the study's document in ``language``; "" where it has none. ``key`` may be dotted."""
    if study.frozen_at:
        return _kept_text(study.pk, study.frozen_at, key, language)
    return _read_text(study.document, key, language)


@functools.lru_cache(maxsize=1024)
def _kept_text(study: int, frozen_at: datetime, key: str, language: str) -> str:
    # A frozen study's document never changes and can be large, so each process reads a text of it once.
    return _read_text(Study.objects.values_list("document", flat=True).get(pk=study), key, language)


def _read_text(document: Any, key: str, language: str) -> str:
    value = document
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    said = localised(value, language) if value else ""
    return said if isinstance(said, str) else str(next(iter(said.values()), ""))


def html(study: Study, key: str, language: str) -> SafeString:
    """A text that researchers wrote as HTML, cleaned of all that could run or reach elsewhere."""
    return mark_safe(nh3.clean(text(study, key, language), url_schemes={"http", "https", "mailto"}))  # noqa: S308


def languages(study: Study) -> list[str]:
    return [str(language) for language in study.document.get("languages", [])] or ["en"]


def language_of(request: HttpRequest, study: Study | None) -> str:
    """The language that was chosen on the page, else the browser's first that the study has, else the study's first."""
    offered = languages(study) if study else ["en", "de"]
    wanted = [request.POST.get("language", ""), request.GET.get("language", "")]
    wanted += [code for code, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    for code in wanted:
        for language in offered:
            if code and language.lower() in (code.lower(), code.lower().partition("-")[0]):
                return language
    return offered[0]


def named_languages(study: Study) -> list[tuple[str, str]]:
    """Each language of the study with its own name for itself."""
    return [(code, _own_name(code)) for code in languages(study)]


def _own_name(code: str) -> str:
    try:
        return str(translation.get_language_info(code)["name_local"]).capitalize()
    except KeyError:
        return code


def outcome(
    recruitment: Recruitment | None, parameters: Mapping[str, str], name: str, *, code: str = ""
) -> dict[str, Any]:
    """The recruiter's code (or, where it declares none, ``code``), return address and form for an outcome.

    ``parameters`` are what the recruiter's link came with.
    """
    if recruitment is None:
        return {"completion_code": code, "return_url": "", "submission": {}}
    code = str(recruitment.codes.get(name, "")) or code
    values = {**parameters, "code": code}
    return {
        "completion_code": code,
        "return_url": returning(str(recruitment.return_urls.get(name, "")), values),
        "submission": submission(recruitment.submit, values) if code else {},
    }
