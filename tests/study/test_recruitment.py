"""Where participants come from: presets that are data, the ways back, exclusive studies, and a shared device."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from study import document, enrolment, recruitment_sources
from study.models import Participant, RecruiterIdentity, Recruitment, Study
from study.survey.bots import Page
from tests.study import factories
from tests.study.test_survey_pages import agree, finish, link

pytestmark = pytest.mark.django_db
ARRIVALS = {  # what each source's link comes with
    "link": "",
    "prolific": "?PROLIFIC_PID=p1&STUDY_ID=s1&SESSION_ID=x1",
    "connect": "?participantId=p1&assignmentId=a1&projectId=j1",
    "sona": "?survey_code=1234",
    "mturk": "?workerId=w1&assignmentId=a1&hitId=h1&turkSubmitTo=https://workersandbox.mturk.com/",
    "kiosk": "",
}


def study_from(source: dict[str, Any], **changes: Any) -> Study:
    return factories.running_study(recruitment=[{"name": "only", **source}], **changes)


@pytest.mark.parametrize("name", recruitment_sources.sources())
def test_every_source_is_a_table_of_data_and_brings_people_in(client: Client, name: str) -> None:
    recruitment = factories.recruitment(study_from({"source": name}))
    agree(client, link(recruitment, ARRIVALS[name]))
    someone = Participant.objects.get()
    assert someone.recruitment == recruitment
    identity = RecruiterIdentity.objects.filter(participant=someone).first()
    if recruitment.identity_parameter:
        assert identity is not None
        assert set(identity.parameters) == set(recruitment.other_parameters)
        again = Client().get(link(recruitment, ARRIVALS[name]))  # on another device
        assert again.url == reverse("survey:home", args=[someone.token])
    else:
        assert identity is None


def test_what_a_study_says_of_a_source_goes_before_its_preset() -> None:
    sona = {"name": "sona", "source": "sona", "identity_parameter": "id", "return_urls": {}, "codes": {}}
    whole = recruitment_sources.filled_in(sona)
    assert (whole["identity_parameter"], whole["other_parameters"], whole["idle_seconds"]) == ("id", [], 0)
    prolific = {"name": "p", "source": "prolific", "codes": {"complete": "C1", "failed_check": "C2"}}
    prolific |= {"return_urls": {"complete": "https://example.org/"}}
    assert recruitment_sources.filled_in(prolific)["return_urls"] == {
        "complete": "https://example.org/",
        "failed_check": "https://app.prolific.com/submissions/complete?cc={code}",
    }
    given = factories.document(recruitment=[prolific])
    assert document.completed(document.completed(given)) == document.completed(given)


def test_a_source_or_a_place_in_an_address_that_does_not_exist_is_refused_in_words() -> None:
    unknown = document.validate(factories.document(recruitment=[{"name": "one", "source": "prolifik"}]))
    assert unknown[0].startswith("recruitment[1].source: = “prolifik” should be one of: link, prolific,")
    none = document.validate(factories.document(recruitment=[]))
    assert none[0].startswith("recruitment: should name at least one source")
    address = {"complete": "https://s.sona-systems.com/credit?code={id}"}
    wrong = document.validate(factories.document(recruitment=[{"name": "s", "source": "sona", "return_urls": address}]))
    assert wrong == [
        "recruitment[1].return_urls.complete: has “{id}”, which the link does not come with; "
        "it may have: code, survey_code."
    ]


@pytest.mark.parametrize(
    ("address", "is_open"), [("https://{survey_code}.org/", True), ("https://p.org?c={code}", False)]
)
def test_a_link_cannot_choose_the_site_that_people_are_sent_back_to(address: str, is_open: bool) -> None:
    source = {"name": "s", "source": "sona", "return_urls": {"complete": address}}
    problems = document.validate(factories.document(recruitment=[source]))
    assert any("lets a link choose the site" in words for words in problems) == is_open


FORM = {"address": "https://p.example/done", "origins": ["https://p.example"], "fields": {"code": "{code}"}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"origins": "https://p.example"}, "submit: should be { address = "),
        ({"origins": []}, "submit: should be { address = "),
        ({"origins": ["https://p.example; script-src *"]}, "submit: should be { address = "),
        ({"fields": {"code": 7}}, "submit: should be { address = "),
        ({"adress": "https://p.example"}, "submit: should be { address = "),
        (
            {"fields": {"who": "{worker}"}},
            "submit: has “{worker}”, which the link does not come with; it may have: code.",
        ),
    ],
)
def test_a_form_that_would_break_the_last_page_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    problems = document.validate(factories.document(recruitment=[{"name": "p", "submit": {**FORM, **changes}}]))
    assert len(problems) == bool(words)
    assert words in "".join(map(str, problems))


def test_what_a_look_is_known_by_is_a_text() -> None:
    source = {"name": "p", "looking": {"PREVIEW": True}}
    (problem,) = document.validate(factories.document(recruitment=[source]))
    assert str(problem) == 'recruitment[1].looking: should hold a text for each parameter, such as { PREVIEW = "yes" }.'


def test_the_documented_source_is_sound() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "study_file.md").read_text(encoding="utf-8")
    example = text.partition("## Where participants come from")[2].partition("```toml\n")[2].partition("```")[0]
    assert document.validate(factories.document(**tomllib.loads(example))) == []


@pytest.mark.parametrize("outcome", ["complete", "screened_out", "failed_check", "no_consent"])
def test_each_outcome_has_its_code_and_its_way_back_on_its_last_page(client: Client, outcome: str) -> None:
    codes = {name: f"C-{name}" for name in ("complete", "screened_out", "failed_check", "no_consent")}
    recruitment = factories.recruitment(study_from({"source": "prolific", "codes": codes}))
    address = link(recruitment, ARRIVALS["prolific"])
    if outcome == "no_consent":
        fields = Page(client.get(address).content.decode()).fields
        last = client.post(address, {**fields, "consent": "no"})
    else:
        agree(client, address)
        someone = Participant.objects.get()
        if outcome == "complete":
            finish(someone)
        else:
            Participant.objects.update(state=outcome)
        last = client.get(reverse("survey:home", args=[someone.token]), follow=True)
    shown = Page(last.content.decode())
    assert shown.texts["completion-code"] == f"C-{outcome}"
    assert f"https://app.prolific.com/submissions/complete?cc=C-{outcome}" in shown.links
    assert not any(code in last.content.decode() for name, code in codes.items() if name != outcome)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("started", "no_consent"),
        ("completed", "complete"),
        ("screened_out", "screened_out"),
        ("failed_check", "failed_check"),
    ],
)
def test_withdrawing_takes_neither_the_way_back_nor_what_was_earned(client: Client, state: str, outcome: str) -> None:
    codes = {name: f"C-{name}" for name in ("complete", "screened_out", "failed_check", "no_consent")}
    recruitment = factories.recruitment(study_from({"source": "mturk", "codes": codes}))
    agree(client, link(recruitment, ARRIVALS["mturk"]))
    someone = Participant.objects.get()
    if state == "completed":
        finish(someone)
    else:
        Participant.objects.update(state=state)
    last = client.get(reverse("survey:home", args=[someone.token]), follow=True)
    address = reverse("survey:withdraw", args=[someone.token])
    assert address in Page(last.content.decode()).links
    assert client.post(address).status_code == 303
    home = reverse("survey:home", args=[someone.token])
    shown = Page(client.get(home).content.decode())
    assert shown.texts["completion-code"] == shown.fields["code"] == f"C-{outcome}"
    assert shown.fields["assignmentId"] == "a1"
    assert address not in shown.links
    assert not RecruiterIdentity.objects.exists()
    assert not someone.trials.exists()
    # Another browser knows nothing of what the link came with; who completed has the code there too.
    again = Page(Client().get(home).content.decode())
    assert again.texts["completion-code"] == ("C-complete" if state == "completed" else "C-no_consent")
    assert "assignmentId" not in again.fields


def test_a_way_back_holds_what_the_link_came_with(client: Client) -> None:
    back = {"complete": "https://s.sona-systems.com/webstudy_credit.aspx?experiment_id=1&survey_code={survey_code}"}
    recruitment = factories.recruitment(study_from({"source": "sona", "return_urls": back}))
    agree(client, link(recruitment, "?survey_code=12%2634"))
    someone = Participant.objects.get()
    finish(someone)
    page = client.get(reverse("survey:thanks", args=[someone.token])).content.decode()
    assert "experiment_id=1&amp;survey_code=12%2634" in page


def test_mechanical_turk_gets_its_form_and_nobody_else_does(client: Client) -> None:
    recruitment = factories.recruitment(study_from({"source": "mturk"}))
    look = client.get(link(recruitment, "?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=h1"))
    assert "You have not accepted the task yet" in look.content.decode()
    for worker, site, is_sent in [("w1", "https://workersandbox.mturk.com/", True), ("w2", "https://evil.org", False)]:
        Participant.objects.all().update(state="started")
        agree(client, link(recruitment, f"?workerId={worker}&assignmentId=a1&hitId=h1&turkSubmitTo={site}"))
        someone = RecruiterIdentity.objects.get(external_id=worker).participant
        finish(someone)
        page = client.get(reverse("survey:thanks", args=[someone.token]))
        text = page.content.decode()
        assert ('action="https://workersandbox.mturk.com/mturk/externalSubmit"' in text) is is_sent
        assert ("workersandbox.mturk.com" in page.headers["Content-Security-Policy"]) is is_sent
        assert "evil.org" not in text
        if is_sent:
            assert Page(text).fields | {"assignmentId": "a1", "code": someone.code} == Page(text).fields


@pytest.mark.parametrize("source", ["prolific", "link"])
def test_one_person_takes_part_in_one_of_the_studies_that_exclude_each_other(client: Client, source: str) -> None:
    one, other, free = (
        factories.recruitment(study_from({"source": source}, slug=slug, exclusive=name))
        for slug, name in [("one", "geese"), ("other", "geese"), ("free", "")]
    )
    agree(client, link(one, ARRIVALS[source]))
    page = client.get(link(other, ARRIVALS[source]))
    assert "You have taken part already" in page.content.decode()
    client.post(link(other, ARRIVALS[source]), {"consent": "yes"})
    assert client.get(link(free, ARRIVALS[source])).context["study_title"]
    assert Participant.objects.count() == 1
    # Somebody else may.
    stranger = Client()
    agree(stranger, link(other, ARRIVALS[source].replace("p1", "p2")))
    assert Participant.objects.count() == 2


def test_an_exclusive_participation_is_refused_at_enrolment_too() -> None:
    one, other = (
        factories.recruitment(study_from({"source": "prolific"}, slug=slug, exclusive="geese")) for slug in "ab"
    )
    factories.participant(one.study, source=one, external_id="p1")
    with pytest.raises(enrolment.TakenPartError, match="exclusive"):
        factories.participant(other.study, source=other, external_id="p1")
    assert Participant.objects.count() == 1


def test_the_next_person_at_a_shared_device_begins_anew_and_cannot_go_back(client: Client) -> None:
    kiosk = factories.recruitment(study_from({"source": "kiosk"}))
    agree(client, link(kiosk))
    first = Participant.objects.get()
    page = client.get(reverse("survey:instructions", args=[first.token])).content.decode()
    assert 'data-idle-seconds="120"' in page
    finish(first)
    thanks = client.get(reverse("survey:thanks", args=[first.token])).content.decode()
    assert f'id="next-person" href="{link(kiosk)}"' in thanks
    anew = client.get(link(kiosk))
    assert "You have already begun" not in anew.content.decode()
    back = client.get(reverse("survey:thanks", args=[first.token]))
    assert (back.status_code, back.url) == (302, link(kiosk))
    agree(client, link(kiosk))
    assert Participant.objects.count() == 2
    second = Participant.objects.latest("pk")
    assert client.get(reverse("survey:instructions", args=[second.token])).status_code == 200
    assert client.get(reverse("survey:withdraw", args=[first.token])).url == link(kiosk)


def test_a_shared_device_begins_anew_after_somebody_declines_too(client: Client) -> None:
    address = link(factories.recruitment(study_from({"source": "kiosk", "idle_seconds": 30})))
    fields = Page(client.get(address).content.decode()).fields
    page = client.post(address, {**fields, "consent": "no"}).content.decode()
    assert f'data-idle-seconds="30" data-anew="{address}"' in page


def test_a_shared_device_at_a_full_study_forgets_the_last_person_and_asks_again(client: Client) -> None:
    full = study_from({"source": "kiosk", "idle_seconds": 30}, design={"name": "between", "quota": 1})
    address = link(factories.recruitment(full))
    for _ in full.arm_set.all():
        agree(client, address)
        finish(full.participant_set.latest("pk"))
    last = full.participant_set.latest("pk")
    page = client.get(address).content.decode()
    assert "The study is closed" in page
    assert f'data-idle-seconds="30" data-anew="{address}"' in page
    assert client.get(reverse("survey:thanks", args=[last.token])).url == address


def test_a_source_added_to_the_file_needs_no_code(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    panel = {
        **recruitment_sources.EMPTY,
        "identity_parameter": "PANELIST",
        "return_urls": {"any": "https://p.org/{code}"},
    }
    monkeypatch.setitem(recruitment_sources.sources(), "panel", panel)
    recruitment = factories.recruitment(study_from({"source": "panel", "codes": {"no_consent": "N"}}))
    fields = Page(client.get(link(recruitment, "?PANELIST=7")).content.decode()).fields
    declined = client.post(link(recruitment, "?PANELIST=7"), {**fields, "consent": "no"})
    assert "https://p.org/N" in Page(declined.content.decode()).links
    assert Recruitment.objects.get().source == "panel"
