"""Bots take the survey over HTTP; and what a browser receives on the whole way: headers, weights, never a key."""

import json
import random
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.survey.bots import Bot, BotError, Browser, Page, Reply
from tests.serving import Site
from tests.study import whole_session

INVITATION = (
    "from study import invitations; result = invitations.make(Study.objects.get(slug='sense-of-geese'), \"simulated\")"
)
TALLY = """
from django.db.models import Count
people = Participant.objects.annotate(n=Count("trials__response"))
result = [[one.origin, one.state, one.n, one.trials.count(), one.arm.name] for one in people.order_by("pk")]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    try:
        site.python("factories.running_study(); result = None")
        yield site.start()
    finally:
        site.close()


def test_bots_without_a_server_start_one_and_stop_it(site: Site) -> None:
    before = len(site.python(TALLY))
    said = site.manage("simulate", "sense-of-geese", "--participants", "4", "--seed", "1", "--skill", "1")
    assert "4 simulated participants have taken sense-of-geese v1." in said
    made = site.python(TALLY)[before:]
    assert [one[:4] for one in made] == [["simulated", "completed", 14, 14]] * 4
    arms = [one[4] for one in site.python(TALLY) if one[1] == "completed"]
    assert abs(arms.count("trained") - arms.count("shuffled")) <= 1


def test_skill_is_how_often_a_bot_answers_by_the_key(site: Site) -> None:
    correct = """
    rows = Response.objects.filter(trial__participant__pk__gt=%d, trial__trial_type="identify_class")
    result = [row.columns["correct"] for row in rows]
    """
    shares = []
    for skill in ("0", "1"):
        last = site.python("result = max(Participant.objects.values_list('pk', flat=True), default=0)")
        arguments = ["--participants", "8", "--seed", "1", "--skill", skill, "--url", site.url]
        site.manage("simulate", "sense-of-geese", *arguments)
        answers = site.python(correct % last)
        shares.append(sum(answers) / len(answers))
    assert shares[1] == 1
    assert 0.02 < shares[0] < 0.55  # 48 guesses at one in four


def test_another_skill_in_a_condition_is_an_effect(site: Site) -> None:
    last = site.python("result = max(Participant.objects.values_list('pk', flat=True), default=0)")
    arguments = ["--participants", "8", "--seed", "2", "--url", site.url, "--skill", "0"]
    site.manage("simulate", "sense-of-geese", *arguments, "--skill-in", "trained=1")
    answers = site.python(f"""
    rows = Response.objects.filter(trial__participant__pk__gt={last}, trial__trial_type="identify_class")
    rows = rows.exclude(trial__stimulus__condition=None)
    result = [[row.trial.stimulus.condition.name, row.columns["correct"]] for row in rows]
    """)
    assert {correct for condition, correct in answers if condition == "trained"} == {True}
    assert {correct for condition, correct in answers if condition == "shuffled"} == {True, False}  # guesses


def test_bots_take_a_session_with_everything_in_it_and_can_fail_its_checks(site: Site) -> None:
    site.python("from tests.study import whole_session; whole_session.running_study(); result = None")
    arguments = ["--participants", "2", "--seed", "3", "--url", site.url, "--skill"]
    assert "stopped" not in site.manage("simulate", "whole-session", *arguments, "1")
    made = """
    people = Participant.objects.filter(study__slug="whole-session").order_by("pk")
    result = [[one.state, sorted(one.trials.values_list("phase", "attempt")),
               one.trials.filter(response=None).count()] for one in people]
    """
    for state, trials, unanswered in site.python(made):
        assert (state, len(trials), unanswered) == ("completed", whole_session.TRIALS, 0)
        assert {phase for phase, _ in trials} == set(whole_session.PHASES)
    said = site.manage("simulate", "whole-session", *arguments[:1], "16", *arguments[2:], "0")
    assert re.search(r"stopped before the end: \d+ \((failed_check|screened_out)\)", said)
    stopped = [row for row in site.python(made) if row[0] != "completed"]
    assert all(unanswered for _, _, unanswered in stopped)
    assert any(attempt > 1 for _, trials, _ in site.python(made) for _, attempt in trials)


ONE_BOT = ["sense-of-geese", "--participants", "1", "--seed", "1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["no-such-study", "--participants", "1", "--seed", "1"],
            "There is no study “no-such-study”; there are: sense",
        ),
        (["sense-of-geese", "--participants", "0", "--seed", "1"], "should be at least 1"),
        ([*ONE_BOT, "--skill", "2"], "should be from 0 to 1"),
        ([*ONE_BOT, "--skill-in", "drawn=1"], "has no condition “drawn”; it has shuffled, trained."),
        ([*ONE_BOT, "--skill-in", "trained=2"], "“trained=2” should be a condition and a skill from 0 to 1"),
        ([*ONE_BOT, "--skill-in", "trained"], "“trained” should be a condition and a skill from 0 to 1"),
    ],
)
def test_simulate_refuses_in_words(site: Site, arguments: list[str], words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        site.manage("simulate", *arguments)


def test_a_bot_that_cannot_see_the_database_guesses(site: Site) -> None:
    assert Bot(site.url, site.python(INVITATION), random.Random(3)).take().startswith("P")


def test_bots_for_whom_there_is_no_place_say_so(site: Site) -> None:
    study = site.python("""
        study = factories.running_study(slug="small", design={"name": "between", "quota": 1})
        result = study.slug
    """)
    with pytest.raises(RuntimeError, match=r"1 of 3 bots did not finish; .*: (All places are|The study is)"):
        site.manage("simulate", study, "--participants", "3", "--seed", "1", "--url", site.url)
    with pytest.raises(RuntimeError, match="There is no place to agree, but a page: The study is closed"):
        site.manage("simulate", study, "--participants", "1", "--seed", "1", "--url", site.url)


def test_a_site_that_is_away_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.survey.bots.PATIENCE_SECONDS", 0.2)
    with pytest.raises(BotError, match="does not answer"):
        Bot("http://127.0.0.1:9", "/join/x/", random.Random(1)).take()


class Witness:
    """Everything a browser receives on a whole participation, static files and pictures included."""

    def __init__(self, site: Site, invitation: str) -> None:
        self.received: list[tuple[str, Reply]] = []
        bot = Bot(site.url, invitation, random.Random(5))
        bot.browser.seen = lambda path, reply: self.received.append((path, reply))
        bot.take()
        token = next(path for path, _ in self.received if path.startswith("/take/")).split("/")[2]
        for page in ("", "withdraw/", "trials/", "thanks/"):
            bot.browser.get(f"/take/{token}/{page}")
        for path in {link for _, reply in self.pages for link in Page(reply.text).links if link.startswith("/static/")}:
            bot.browser.get(path)
        self.token = token

    @property
    def pages(self) -> list[tuple[str, Reply]]:
        return [(p, r) for p, r in self.received if r.headers.get("Content-Type", "").startswith("text/html")]


@pytest.fixture(scope="module")
def witness(site: Site) -> Witness:
    return Witness(site, site.python(INVITATION))


def test_no_answer_key_is_in_anything_the_browser_receives(site: Site, witness: Witness) -> None:
    """Not the word key or correct, no stimulus, condition, trial type or seed; nor a name or order that tells one."""
    hidden, practice = site.python(f"""
    from attribution.models import Picture
    someone = Participant.objects.get(token="{witness.token}")
    hidden = set(Stimulus.objects.values_list("name", flat=True))
    hidden |= {{str(trial.seed) for trial in someone.trials.all()}} | {{str(someone.seed)}}
    hidden |= set(Picture.objects.values_list("content_key", flat=True)) | {{someone.study.hash}}
    result = [sorted(hidden), list(someone.trials.filter(phase="practice").values_list("position", flat=True))]
    """)
    # Conditions, trial types and what the server calls its columns.
    hidden += ["answer_key", '"key"', '"correct"', "identify_class", "is_catch", '"catch"', "blind_control", "shuffled"]
    for path, reply in witness.received:
        everything = json.dumps(dict(reply.headers)) + reply.body.decode("latin-1") + path
        assert not [secret for secret in hidden if secret in everything], path
    # The right answer itself comes only as feedback on a practice answer that is stored.
    told = [one for _, reply in witness.received for one in stored(reply) if one["feedback"]]
    assert told
    assert {one["position"] for one in told} <= set(practice)


def stored(reply: Reply) -> list[dict[str, Any]]:
    is_json = reply.headers.get("Content-Type", "") == "application/json"
    return list(json.loads(reply.body).get("stored", [])) if is_json else []


def test_the_keys_place_among_what_is_shown_says_nothing(site: Site) -> None:
    """Over many sessions the right alternative stands at each place about as often."""
    tally = site.python("""
    from study.survey import session
    study = Study.objects.get(slug="sense-of-geese")
    shown = [0] * 4
    for n in range(60):
        someone = factories.participant(study, origin="simulated", source=study)
        for trial in someone.trials.filter(trial_type="identify_class", phase="main"):
            values = [value for value, _ in session.screen(trial, study).controls[0].values]
            right = session.key_of(trial, study)["correct"]
            shown[values.index(right)] += 1
    Participant.objects.filter(state="started").delete()
    result = shown
    """)
    expected = sum(tally) / 4
    assert sum((count - expected) ** 2 / expected for count in tally) < 20  # chi-squared, 3 df: p < .0002


def test_every_response_carries_the_security_headers(witness: Witness) -> None:
    kinds = set()
    for path, reply in witness.received:
        assert reply.headers["X-Content-Type-Options"] == "nosniff", path
        assert reply.headers["X-Frame-Options"] == "DENY", path
        assert reply.headers["Referrer-Policy"] == "same-origin", path
        assert "camera=()" in reply.headers["Permissions-Policy"], path
        if path.startswith("/static/"):
            kinds.add("static")
            assert "immutable" in reply.headers["Cache-Control"]
        elif path.startswith("/media/"):
            kinds.add("picture")
            assert "immutable" in reply.headers["Cache-Control"]
        else:
            kinds.add("page")
            policy = reply.headers["Content-Security-Policy"]
            assert "unsafe" not in policy
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
    assert kinds == {"static", "picture", "page"}


def test_pages_hold_no_inline_script_or_style_and_nothing_from_elsewhere(witness: Witness) -> None:
    for path, reply in witness.pages:
        assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", reply.text), path
        assert not re.search(r"\son\w+=|\sstyle=|<style", reply.text), path
        for link in Page(reply.text).links:
            assert link.startswith("/"), f"{link} in {path}"


def test_the_trials_page_weighs_little(site: Site, witness: Witness) -> None:
    """At most 10 requests and 60 kB besides the pictures, uncompressed."""
    browser = Browser(site.url)
    address = f"/take/{witness.token}/responses/"
    page = next(reply for path, reply in witness.received if path.endswith("/trials/") and reply.status == 200)
    links = {link for link in Page(page.text).links if link.startswith("/static/")}
    weights = [len(page.body), *(len(browser.get(link).body) for link in links)]
    weights.append(max(len(reply.body) for path, reply in witness.received if path == address))
    assert len(weights) <= 10
    assert sum(weights) <= 60_000


def test_nothing_that_identifies_a_computer_is_stored_or_logged(site: Site, witness: Witness) -> None:
    files = [path for path in Path(site.folder).rglob("*") if path.is_file() and path.suffix != ".png"]
    assert files
    for path in files:
        if "static" not in path.parts:
            body = path.read_bytes()
            assert b"127.0.0.1" not in body, path
            assert b"Gander bot" not in body, path


def test_a_bot_connects_again_at_once_where_the_server_ended_an_idle_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As browsers do; a wait here would be measured as the server's."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve_one_request_a_connection() -> None:
        for _ in range(3):
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")  # and no word of the end

    def no_wait(seconds: float) -> None:
        raise AssertionError(f"It waited {seconds} s.")

    monkeypatch.setattr("study.survey.bots.time.sleep", no_wait)
    server = threading.Thread(target=serve_one_request_a_connection)
    server.start()
    browser = Browser(f"http://127.0.0.1:{listening.getsockname()[1]}")
    assert [browser.get("/").status for _ in range(3)] == [200] * 3
    browser.close()
    server.join(5)
    listening.close()
