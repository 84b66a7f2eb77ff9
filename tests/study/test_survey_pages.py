"""The participants' pages: arriving, agreeing, coming back, the codes, withdrawing; what they promise of privacy."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from study import enrolment, invitations, preparation
from study.models import Participant, RecruiterIdentity, Recruitment, Report, Response, Study, Trial
from study.survey import session
from study.survey.bots import Page
from tests.study import factories
from tests.study.test_session import all_trials, answer_to, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return factories.running_study()


@pytest.fixture
def prolific(study: Study) -> Recruitment:
    return factories.recruitment(
        study,
        name="prolific",
        identity_parameter="PROLIFIC_PID",
        other_parameters=["SESSION_ID"],
        codes={"complete": "CDONE", "no_consent": "CNO"},
        return_urls={"complete": "https://recruiter.example/done?cc={code}"},
    )


def link(recruitment: Recruitment, query: str = "") -> str:
    return reverse("survey:join", args=[recruitment.token]) + query


def agree(client: Client, address: str, **fields: str) -> Any:
    page = Page(client.get(address).content.decode())
    return client.post(address, {**page.fields, "consent": "yes", **fields})


def finish(participant: Participant) -> None:
    for trial in all_trials(participant):
        assert send(participant, answer_to(trial)).status_code == 200


def test_nothing_is_stored_before_consent(client: Client, study: Study) -> None:
    address = link(factories.recruitment(study))
    page = client.get(address)
    assert page.status_code == 200
    assert "No name and no address is stored" in page.content.decode()
    assert set(client.cookies) == {"csrftoken"}
    fields = Page(page.content.decode()).fields
    declined = client.post(address, {**fields, "consent": "no"})
    assert "You have not taken part" in declined.content.decode()
    assert not Participant.objects.exists()
    assert not RecruiterIdentity.objects.exists()


def test_consent_is_noted_with_its_version_language_and_little_of_the_browser(client: Client, study: Study) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    client.defaults["HTTP_USER_AGENT"] = agent
    reply = agree(client, link(factories.recruitment(study)) + "?language=de", viewport="1280x800x2")
    someone = Participant.objects.get()
    assert reply.url == reverse("survey:instructions", args=[someone.token])
    assert (someone.consent_version, someone.language, someone.origin) == ("2", "de", "person")
    assert someone.consented_at is not None
    assert someone.browser == {"family": "Firefox", "width": 1280.0, "height": 800.0, "device_pixel_ratio": 2.0}
    assert "Wählen Sie zu jedem Bild" in client.get(reply.url).content.decode()


@pytest.mark.parametrize("viewport", ["", "wide", "1x2", "1e999x2x1", "nanx1x1", "-5x800x1", "1_0x1x1"])
def test_a_nonsense_viewport_is_left_out(client: Client, study: Study, viewport: str) -> None:
    agree(client, link(factories.recruitment(study)), viewport=viewport)
    assert Participant.objects.get().browser == {"family": "other"}


def test_a_window_narrower_than_the_study_asks_for_is_asked_to_grow(client: Client) -> None:
    study = factories.running_study(slug="wide", minimum_viewport=600)
    address = link(factories.recruitment(study))
    narrow = agree(client, address + "?language=de", viewport="599x800x2")
    assert "Ihr Fenster ist zu klein" in narrow.content.decode()
    assert "Bitte vergrößern Sie das Fenster" in narrow.content.decode()
    assert not Participant.objects.exists()
    agree(client, address, viewport="600x400x1")
    assert Participant.objects.get().browser["width"] == 600


def test_the_language_follows_the_browser_and_the_choice_on_the_page(client: Client, study: Study) -> None:
    address = link(factories.recruitment(study))
    german = client.get(address, headers={"accept-language": "fr, de-AT;q=0.8, en;q=0.5"})
    assert 'lang="de"' in german.content.decode()
    assert german.headers["Content-Language"] == "de"
    chosen = client.get(address + "?language=en", headers={"accept-language": "de"})
    assert "I agree and want to take part" in chosen.content.decode()


def test_a_language_written_from_the_right_turns_the_page_round(client: Client) -> None:
    texts = {"title": {"ar": "ماذا ترى؟"}, "consent": {"version": "1", "text": {"ar": "<p>مرحبا</p>"}}}
    study = factories.running_study(slug="right-to-left")
    study.document |= {**texts, "languages": ["ar"]}
    study.frozen_at = None  # as it were still to be launched: its words are read anew
    study.save()
    assert '<html lang="ar" dir="rtl">' in client.get(link(factories.recruitment(study))).content.decode()


def test_a_double_click_on_the_consent_makes_one_participation(client: Client, study: Study) -> None:
    address = link(factories.recruitment(study))
    fields = {**Page(client.get(address).content.decode()).fields, "consent": "yes"}
    first, second = client.post(address, fields), client.post(address, fields)
    assert first.url == second.url
    assert Participant.objects.count() == 1


def test_a_visit_that_the_server_did_not_make_is_not_taken(client: Client, study: Study) -> None:
    reply = agree(client, link(factories.recruitment(study)), visit="my-own-token")
    assert reply.status_code == 400
    assert not Participant.objects.exists()


def test_the_recruiters_id_leads_back_to_the_same_participation_from_any_device(prolific: Recruitment) -> None:
    address = link(prolific, "?PROLIFIC_PID=abc&SESSION_ID=s1&OTHER=x")
    agree(Client(), address)
    identity = RecruiterIdentity.objects.get()
    assert (identity.external_id, identity.parameters) == ("abc", {"SESSION_ID": "s1"})
    again = Client().get(address)
    assert again.url == reverse("survey:home", args=[identity.participant.token])
    agree(Client(), link(prolific, "?PROLIFIC_PID=def"))
    assert Participant.objects.count() == 2


@pytest.mark.parametrize("query", ["", "?PROLIFIC_PID=", "?PROLIFIC_PID=" + "x" * 201])
def test_a_recruiters_link_without_a_proper_id_is_explained(client: Client, prolific: Recruitment, query: str) -> None:
    page = client.get(link(prolific, query))
    assert page.status_code == 400
    assert "This link is not complete" in page.content.decode()


def test_a_plain_link_offers_the_same_browser_to_go_on_until_it_is_done(client: Client, study: Study) -> None:
    address = link(factories.recruitment(study))
    agree(client, address)
    someone = Participant.objects.get()
    home = reverse("survey:home", args=[someone.token])
    assert home in client.get(address).content.decode()
    assert home not in Client().get(address).content.decode()
    finish(someone)
    client.get(reverse("survey:thanks", args=[someone.token]))
    assert home not in client.get(address).content.decode()


def test_a_participant_comes_back_to_where_he_was(client: Client, study: Study) -> None:
    someone = factories.participant(study)
    home = reverse("survey:home", args=[someone.token])
    assert client.get(home).url == reverse("survey:instructions", args=[someone.token])
    send(someone, answer_to(all_trials(someone)[0]))
    assert client.get(home).url == reverse("survey:trials", args=[someone.token])
    for trial in all_trials(someone)[1:]:
        send(someone, answer_to(trial))
    for page in ("home", "trials"):
        assert client.get(reverse(f"survey:{page}", args=[someone.token])).url.endswith("/thanks/")


def test_the_last_page_shows_the_recruiters_code_and_leads_back(client: Client, prolific: Recruitment) -> None:
    someone = factories.participant(prolific.study, source=prolific, external_id="abc")
    thanks = reverse("survey:thanks", args=[someone.token])
    assert "CDONE" not in client.get(thanks, follow=True).content.decode()
    finish(someone)
    page = client.get(thanks).content.decode()
    assert Page(page).texts["completion-code"] == "CDONE"
    assert 'href="https://recruiter.example/done?cc=CDONE"' in page
    assert "a network that had learned nothing" in page


def test_a_return_address_that_is_no_web_address_is_not_linked(client: Client, prolific: Recruitment) -> None:
    prolific.return_urls = {"complete": "javascript:alert(1)"}
    prolific.save()
    someone = factories.participant(prolific.study, source=prolific, external_id="abc")
    finish(someone)
    assert "javascript:" not in client.get(reverse("survey:thanks", args=[someone.token])).content.decode()


def test_declining_gives_the_recruiters_code_for_it(client: Client, prolific: Recruitment) -> None:
    address = link(prolific, "?PROLIFIC_PID=abc")
    fields = Page(client.get(address).content.decode()).fields
    assert "CNO" in client.post(address, {**fields, "consent": "no"}).content.decode()


def test_a_paused_or_closed_study_takes_nobody_new_and_lets_who_has_begun_finish(client: Client, study: Study) -> None:
    address, someone = link(factories.recruitment(study)), factories.participant(study)
    preparation.pause(study)
    assert "The study is paused" in client.get(address).content.decode()
    preparation.close(study)
    assert "The study is closed" in client.get(address).content.decode()
    finish(someone)
    someone.refresh_from_db()
    assert someone.state == "completed"


def test_a_closed_recruitment_and_an_unlaunched_study_take_nobody(client: Client) -> None:
    study = factories.ready_study()
    source = factories.recruitment(study)
    assert "The study has not begun" in client.get(link(source)).content.decode()
    preparation.launch(study)
    Recruitment.objects.filter(pk=source.pk).update(is_open=False)
    assert "The study is closed" in client.get(link(source)).content.decode()


def test_the_last_place_taken_while_the_consent_was_read_is_said(client: Client) -> None:
    study = factories.running_study(slug="small", design={"name": "between", "quota": 1})
    address = link(factories.recruitment(study))
    fields = {**Page(client.get(address).content.decode()).fields, "consent": "yes"}
    others = [factories.participant(study) for _ in range(2)]
    taken = client.post(address, fields).content.decode()
    assert "All places are taken just now" in taken
    assert "please come again later with the same link" in taken
    for someone in others:
        finish(someone)
    assert "The study is closed" in client.post(address, fields).content.decode()


def test_nobody_reads_the_consent_of_a_full_study_for_nothing(client: Client) -> None:
    study = factories.running_study(slug="small", design={"name": "between", "quota": 1})
    address = link(factories.recruitment(study))
    agree(client, address)
    others = [Participant.objects.get(), factories.participant(study)]
    assert "Go on where I was" in client.get(address).content.decode(), "who has begun here"
    elsewhere = Client().get(address).content.decode()
    assert "All places are taken just now" in elsewhere
    assert "I agree" not in elsewhere
    for someone in others:
        finish(someone)
    assert "The study is closed" in Client().get(address).content.decode()


def test_somebody_screened_out_sees_so(client: Client, study: Study) -> None:
    someone = factories.participant(study)
    Participant.objects.filter(pk=someone.pk).update(state="screened_out")
    assert "This study is not for you" in client.get(reverse("survey:home", args=[someone.token])).content.decode()


@pytest.mark.parametrize("address", ["/join/nothing/", "/take/nothing/", "/take/nothing/trials/", "/join/a:b:c/"])
def test_a_link_that_leads_nowhere_says_so(client: Client, address: str) -> None:
    page = client.get(address)
    assert page.status_code == 404
    assert "This link leads nowhere" in page.content.decode()


def test_withdrawing_deletes_answers_and_identity_and_leaves_a_row_that_counts(
    client: Client, prolific: Recruitment
) -> None:
    someone = factories.participant(prolific.study, source=prolific, external_id="abc", browser={"family": "Firefox"})
    send(someone, answer_to(all_trials(someone)[0]))
    Report.objects.create(study=prolific.study, results={}, html="")
    address = reverse("survey:withdraw", args=[someone.token])
    assert "Withdraw from the study?" in client.get(address).content.decode()
    assert Response.objects.exists()
    gone = client.post(address, follow=True).content.decode()
    assert "Your answers are deleted" in gone
    someone.refresh_from_db()
    assert (someone.state, someone.browser) == ("withdrawn", {})
    assert not Response.objects.exists()
    assert not Trial.objects.exists()
    assert not RecruiterIdentity.objects.exists()
    assert Report.objects.get().outdated_at is not None


@pytest.mark.parametrize("written", ["{}", " {} ", "{}".lower(), "{}-"])
def test_the_withdrawal_code_deletes_the_answers_later_however_it_is_typed(
    client: Client, study: Study, written: str
) -> None:
    someone = factories.participant(study)
    finish(someone)
    code = someone.withdrawal_code
    typed = written.format(f"{code[:5]}-{code[5:]}".lower())
    assert "Your answers are deleted" in client.post("/withdraw/", {"code": typed}).content.decode()
    someone.refresh_from_db()
    assert someone.state == "withdrawn"


def test_the_withdrawal_page_speaks_the_language_that_was_chosen(client: Client, study: Study) -> None:
    address = f"{link(factories.recruitment(study))}?language=de"
    someone = factories.participant(study, language="de")
    finish(someone)
    for path in (address, reverse("survey:thanks", args=[someone.token])):
        (there,) = [one for one in Page(client.get(path).content.decode()).links if one.startswith("/withdraw/")]
        assert "Teilnahme an einer Studie zurückziehen" in client.get(there).content.decode()


def test_a_wrong_withdrawal_code_deletes_nothing(client: Client, study: Study) -> None:
    finish(factories.participant(study))
    for code in ("", "AAAAAAAAAA", "%", "' OR 1=1"):
        assert "No participation has this code" in client.post("/withdraw/", {"code": code}).content.decode()
    assert Response.objects.exists()


@pytest.mark.parametrize("origin", ["preview", "simulated"])
def test_invited_participants_are_marked_for_ever_and_on_every_page(client: Client, study: Study, origin: str) -> None:
    address = invitations.make(study, origin)
    words = {"preview": "Preview:", "simulated": "Simulation:"}[origin]
    assert words in client.get(address).content.decode()
    agree(client, address)
    someone = Participant.objects.get()
    assert someone.origin == origin
    for page in ("instructions", "trials", "withdraw"):
        assert words in client.get(reverse(f"survey:{page}", args=[someone.token])).content.decode()
    finish(someone)
    assert words in client.get(reverse("survey:thanks", args=[someone.token])).content.decode()
    someone.refresh_from_db()
    assert someone.origin == origin


def test_no_parameter_or_field_of_a_request_sets_or_clears_the_origin(client: Client, study: Study) -> None:
    for address in (link(factories.recruitment(study)), invitations.make(study, "simulated")):
        agree(client, address + "?origin=person&state=completed", origin="person")
    assert sorted(Participant.objects.values_list("origin", flat=True)) == ["person", "simulated"]


def test_a_tampered_or_old_invitation_opens_nothing(
    client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = invitations.make(study, "preview")
    assert client.get(address[:-4] + "AAA/").status_code == 404
    monkeypatch.setattr(invitations, "MAX_AGE_SECONDS", -1)
    assert client.get(address).status_code == 404


def test_an_invitation_for_a_person_cannot_be_made(study: Study) -> None:
    with pytest.raises(ValueError, match="preview or simulated"):
        invitations.make(study, "person")


def test_a_study_that_is_ready_can_be_previewed_before_its_launch(client: Client) -> None:
    study = factories.ready_study()
    agree(client, invitations.make(study, "preview"))
    someone = Participant.objects.get()
    assert session.next_screens(someone)
    finish(someone)
    someone.refresh_from_db()
    assert someone.state == "completed"


def test_refused_cookies_are_explained(study: Study) -> None:
    client = Client(enforce_csrf_checks=True)
    address = link(factories.recruitment(study))
    fields = {**Page(client.get(address).content.decode()).fields, "consent": "yes"}
    client.cookies.clear()
    page = client.post(address, fields)
    assert page.status_code == 403
    assert "Your browser keeps no cookies" in page.content.decode()
    someone = factories.participant(study)
    reply = client.post(reverse("survey:responses", args=[someone.token]), {}, content_type="application/json")
    assert reply.status_code == 403
    assert "loaded again" in reply.json()["problem"]


def test_what_a_researcher_writes_cannot_run(client: Client) -> None:
    evil = "<p onclick='x()'>Hello</p><script>alert(1)</script><img src=https://elsewhere.example/x.png onerror=x()>"
    study = factories.ready_study(
        slug="evil",
        consent={"version": "1", "text": {"en": evil, "de": evil}},
        title={"en": "<b>Bold</b>", "de": "<b>Bold</b>"},
    )
    # Even where something got past the document's own cleaning.
    study.document["consent"]["text"]["en"] = evil
    study.save()
    page = client.get(invitations.make(study, "preview")).content.decode()
    assert "<p>Hello</p>" in page
    assert "alert(1)" not in page
    assert "onclick" not in page
    assert "onerror" not in page
    assert "<b>Bold" not in page


def test_no_page_of_a_participation_is_kept_by_the_browser(client: Client, study: Study) -> None:
    someone = factories.participant(study)
    for page in ("instructions", "trials", "withdraw"):
        assert client.get(reverse(f"survey:{page}", args=[someone.token])).headers["Cache-Control"] == "no-store"


def test_pages_refuse_methods_that_they_do_not_have(client: Client, study: Study) -> None:
    someone = factories.participant(study)
    for page in ("home", "instructions", "trials", "thanks"):
        assert client.post(reverse(f"survey:{page}", args=[someone.token])).status_code == 405
    assert client.get(reverse("survey:responses", args=[someone.token])).status_code == 405


def test_enrolling_races_end_in_a_page_not_an_error(
    client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise enrolment.EnrolmentError("It closed just now.")

    monkeypatch.setattr(enrolment, "enrol", refuse)
    assert agree(client, link(factories.recruitment(study))).status_code == 200


def test_every_german_text_is_compiled_and_complete() -> None:
    source = (settings.BASE_DIR / "locale/de/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', source, re.MULTILINE)
    assert len(pairs) > 80
    with translation.override("de"):
        for english, german in pairs:
            assert german, f"“{english}” has no German"
            unescaped = english.replace('\\"', '"')
            assert translation.gettext(unescaped) == german.replace('\\"', '"')
