"""German is complete: each text of the survey has its translation, and no page in German says anything in English."""

import ast
import gettext
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.translation.template import templatize

from study import preparation
from study.models import Participant, Study
from study.survey.bots import Page

from . import factories
from .test_session import all_trials, answer_to, send

CALLS = {"_", "gettext", "gettext_noop", "gettext_lazy"}
ENGLISH = re.compile(r"\b(the|you|your|please|this|that|and|with|of|is|are|have|not|it)\b", re.IGNORECASE)
QUOTED = re.compile(r"gettext\(u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")
HOLES = re.compile(r"\{\w+\}|%\(\w+\)s")


def said_in_python(path: Path) -> set[str]:
    """The texts that a module marks for translation, however many lines they are written on."""
    calls = (one for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(one, ast.Call))
    named = (one for one in calls if isinstance(one.func, ast.Name) and one.func.id in CALLS and one.args)
    return {one.args[0].value for one in named if isinstance(one.args[0], ast.Constant)}  # type: ignore[misc]


def said_in_template(path: Path) -> set[str]:
    code = templatize(path.read_text(encoding="utf-8"))
    return {ast.literal_eval(found) for found in QUOTED.findall(code)}


def test_every_text_of_the_survey_is_translated_with_the_same_holes() -> None:
    with (settings.BASE_DIR / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
        german = gettext.GNUTranslations(file)
    said: set[str] = set()
    for path in (settings.BASE_DIR / "study/survey").glob("*.py"):
        said |= said_in_python(path)
    templates = settings.BASE_DIR / "templates"
    for path in [*(templates / "survey").glob("*.html"), *templates.glob("*.html")]:
        said |= said_in_template(path)
    assert len(said) > 120
    missing = said - set(german._catalog)  # type: ignore[attr-defined]
    assert not missing
    assert not {text for text in said if sorted(HOLES.findall(text)) != sorted(HOLES.findall(german.gettext(text)))}


class Words(HTMLParser):
    """What a page shows and what a screen reader says of it; not its scripts, nor what is in another language."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._hidden: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.said += [given[name] or "" for name in ("alt", "aria-label", "title", "placeholder") if name in given]
        if tag in ("script", "style") or (tag == "button" and given.get("lang") not in (None, "de")):
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.said.append(data.strip())


def pages(study: Study) -> list[tuple[str, Any]]:
    """Every page that a participant may meet, asked for by a browser that wants German."""
    client = Client(headers={"accept-language": "de-AT"}, raise_request_exception=False)
    join = reverse("survey:join", args=[factories.recruitment(study).token])
    found = [("consent", client.get(join))]
    fields = Page(found[0][1].text).fields
    found.append(("declined", client.post(join, {**fields, "consent": "no"})))
    client.post(join, {**fields, "consent": "yes"})
    someone = Participant.objects.get()
    found.append(("begun", client.get(join)))
    found += [(page, client.get(f"/take/{someone.token}/{page}/")) for page in ("instructions", "trials", "withdraw")]
    for trial in all_trials(someone):
        send(someone, answer_to(trial))
    found.append(("thanks", client.get(f"/take/{someone.token}/thanks/")))
    for state in Participant.State.values:
        Participant.objects.filter(pk=someone.pk).update(state=state)
        found.append((state, client.get(f"/take/{someone.token}/", follow=True)))
    found += [(path, client.get(path)) for path in ("/take/nowhere/", "/withdraw/", "/nowhere/at/all/")]
    found.append(("wrong code", client.post("/withdraw/", {"code": "AAAAAAAAAA"})))
    found.append(("host", client.get("/withdraw/", headers={"host": "elsewhere.example", "accept-language": "de"})))
    strict = Client(enforce_csrf_checks=True, headers={"accept-language": "de"})
    found.append(("cookies", strict.post(join, fields)))
    preparation.pause(study)
    found.append(("paused", client.get(join)))
    preparation.close(study)
    found.append(("closed", client.get(join)))
    return found


@pytest.mark.django_db
def test_no_page_in_german_says_anything_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    study = factories.running_study()
    seen = pages(study)
    with monkeypatch.context() as patched:
        patched.setattr("study.survey.participation.participant_of", lambda token: 1 / 0)
        client = Client(headers={"accept-language": "de"}, raise_request_exception=False)
        seen.append(("broken", client.get("/take/any/")))
        patched.setattr("study.survey.participation.REQUESTS_A_MINUTE", 0)
        seen.append(("too fast", client.get("/take/another/")))
    assert {200, 400, 403, 404, 422, 429, 500} <= {response.status_code for _, response in seen}
    for name, response in seen:
        text = response.text
        assert 'lang="de"' in text, name
        assert not [said for said in Words(text).said if ENGLISH.search(said)], name


@pytest.mark.django_db
def test_what_the_trials_page_says_by_itself_is_german_too() -> None:
    someone = factories.participant(factories.running_study(), language="de")
    setup = Client().get(reverse("survey:trials", args=[someone.token])).context["setup"]
    assert len(setup["words"]) > 40
    assert not [said for said in setup["words"].values() if ENGLISH.search(HOLES.sub("", said))]
