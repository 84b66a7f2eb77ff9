"""Bots that take the survey over HTTP as a browser does: consent, instructions, trials with their pictures, thanks.

A bot knows only what the pages send. What it may know beyond that, the keys, is handed to it by whoever can read the
database; without them it guesses. Requests that get no reply are sent again, as the page does.
"""

import http.client
import json
import math
import random
import time
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any

from study import trial_types, trials

# (position, attempt) -> (trial type, key, name of the condition, "" where a trial has none)
Keys = Mapping[tuple[int, int], tuple[str, Mapping[str, Any], str]]
MEDIAN_MS = 2500.0  # of a bot's response times, log-normal; its answers go out at once
PATIENCE_SECONDS = 120.0


class BotError(RuntimeError):
    """The survey did not do what a participant needs; the message says what."""


@dataclass
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Page(HTMLParser):
    """What a bot reads of a page: hidden fields, JSON blocks, the texts of headings and of what has an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.links: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "input" and attributes.get("type") == "hidden":
            self.fields[attributes["name"]] = attributes.get("value", "")
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        self._inside = attributes.get("id") or ("h1" if tag == "h1" else "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data.strip()


class Browser:
    """One connection to the site, with cookies; a request that gets no reply is sent again for PATIENCE_SECONDS."""

    def __init__(self, url: str) -> None:
        self.origin = urllib.parse.urlsplit(url)
        self.cookies: dict[str, str] = {}
        self.seen: Callable[[str, Reply], None] = lambda path, reply: None
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Reply:
        return self.request("GET", path)

    def post(self, path: str, fields: Mapping[str, str]) -> Reply:
        body = urllib.parse.urlencode(fields).encode()
        return self.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def post_json(self, path: str, data: object, token: str) -> Reply:
        headers = {"Content-Type": "application/json", "X-CSRFToken": token}
        return self.request("POST", path, json.dumps(data).encode(), headers)

    def follow(self, reply: Reply) -> tuple[str, Reply]:
        """The page that a reply redirects to, and its path."""
        path = ""
        while reply.status in (301, 302, 303):
            path = urllib.parse.urlsplit(reply.headers["Location"]).path
            reply = self.get(path)
        return path, reply

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        until, wait = time.monotonic() + PATIENCE_SECONDS, 0.1
        while True:
            is_kept = self._connection is not None
            try:
                reply = self._once(method, path, body, dict(headers or {}))
                if reply.status < 500 and reply.status != 429:
                    self.seen(path, reply)
                    return reply
                problem = f"answers {reply.status}"
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if is_kept:  # the server ends a connection that nobody used for a while: connect again, as browsers do
                    continue
                problem = f"does not answer ({error or type(error).__name__})"
            if time.monotonic() > until:
                raise BotError(f"{self.origin.geturl()} {problem}, for {PATIENCE_SECONDS:.0f} s.")
            time.sleep(wait)
            wait = min(wait * 2, 2.0)

    def _once(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        if self._connection is None:
            secure = self.origin.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            self._connection = kind(self.origin.hostname or "", self.origin.port, timeout=30)
        headers |= {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), "User-Agent": "Gander bot"}
        headers |= {"Referer": self.origin.geturl()}
        self._connection.request(method, path, body or None, headers)
        response = self._connection.getresponse()
        reply = Reply(response.status, dict(response.getheaders()), response.read())
        for value in response.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(value).items()}
        if response.will_close:
            self.close()
        return reply

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


@dataclass
class Bot:
    """Takes the survey once. ``skill`` is the probability that it answers by the key, where ``keys`` tells it.

    ``skill_in`` has another skill for the conditions that it names: an effect for the analysis to find.
    """

    url: str
    invitation: str
    rng: random.Random
    skill: float = 0.7
    skill_in: Mapping[str, float] = field(default_factory=dict)
    keys: Callable[[str], Keys] = lambda token: {}
    # Called with each answer that the server says is stored, and the seconds until it said so.
    answered: Callable[[dict[str, Any], float], None] = lambda answer, seconds: None
    fetches_pictures: bool = True
    think_seconds: float = 0.0  # mean of the exponential time on each page and screen
    browser: Browser = field(init=False)
    state: str = field(default="started", init=False)  # what became of the participation: completed, failed_check, ...

    def __post_init__(self) -> None:
        self.browser = Browser(self.url)

    def take(self) -> str:
        """The whole way, from the invitation to the last page, whose code it returns; raises BotError in words.

        A bot can be screened out or fail a check as anybody can; ``state`` says so, and there may be no code then.
        """
        try:
            setup = self.begin()
            self.answer_all(setup)
            return self.end(setup)
        finally:
            self.browser.close()

    def begin(self) -> dict[str, Any]:
        """Agree, read the instructions, open the trials page; what that page was given."""
        consent = self._ok(self.browser.get(self.invitation), "the consent page")
        read = Page(consent.text)
        if "visit" not in read.fields:
            raise BotError(f"There is no place to agree, but a page: {read.texts.get('h1', '')}.")
        fields = {**read.fields, "consent": "yes", "viewport": "1280x800x1"}
        self._think()
        agreed = self.browser.post(self.invitation, fields)
        if agreed.status not in (302, 303):
            heading = Page(agreed.text).texts.get("h1", "")
            raise BotError(f"Agreeing was answered with {agreed.status}: {heading}.")
        _path, instructions = self.browser.follow(agreed)
        onward = [link for link in Page(instructions.text).links if link.endswith("/trials/")]
        if not onward:
            raise BotError("The page after the consent leads to no trials.")
        self._think()
        page = self._ok(self.browser.get(onward[0]), "the trials page")
        setup: dict[str, Any] = json.loads(Page(page.text).texts["setup"])
        return setup

    def answer_all(self, setup: Mapping[str, Any]) -> None:
        keys = self.keys(setup["token"])
        fetched: set[str] = set()
        screens: dict[
            tuple[int, int], dict[str, Any]
        ] = {}  # (position, attempt) -> screen, in the order to answer them
        reply: dict[str, Any] = setup["first"]
        while reply["state"] == "started":
            screens |= {(one["position"], one["attempt"]): one for one in reply["screens"]}
            if not screens:
                raise BotError("The survey has no further screen, but is not completed.")
            load_ms = self._fetch_pictures(list(screens.values()), fetched) if self.fetches_pictures else 0.0
            self._think()
            due = next(iter(screens))
            if keys and due not in keys:  # another attempt, made since
                keys = self.keys(setup["token"])
            sent = self.answer(screens.pop(due), keys, load_ms)
            last = max((position for position, _ in screens), default=sent["position"])
            began = time.perf_counter()
            reply = self._exchange(setup, [sent], last)
            if reply["refused"]:
                raise BotError(f"An answer was refused: {reply['refused'][0]['problem']}")
            self.answered(sent, time.perf_counter() - began)
        self.state = reply["state"]

    def answer(self, item: Mapping[str, Any], keys: Keys, load_ms: float) -> dict[str, Any]:
        screen = trials.Screen.from_json(item["screen"])
        known = keys.get((item["position"], item["attempt"]))
        response_ms = max(round(self.rng.lognormvariate(math.log(MEDIAN_MS), 0.5), 1), float(screen.minimum_ms))
        is_late = 0 < screen.deadline_ms <= response_ms
        if is_late:
            answer, response_ms = {}, float(screen.deadline_ms)
        elif known:
            trial_type, key, condition = known
            skill = self.skill_in.get(condition, self.skill)
            answer = trial_types.load(trial_type).bot(screen, key or None, skill, self.rng)
        else:
            answer = {control.name: guess(control, self.rng) for control in screen.controls}
        return {
            "position": item["position"],
            "attempt": item["attempt"],
            "client_id": str(uuid.uuid4()),  # not of the seed: bots of the same seed may come twice
            "answer": answer,
            "response_ms": response_ms,
            "is_timed_out": is_late,
            "quality": {"load_ms": round(load_ms, 1), "frame_ms": 16.7, "viewport": [1280, 800, 1]},
        }

    def end(self, setup: Mapping[str, Any]) -> str:
        is_completed = self.state == "completed"
        page = self.browser.get(setup["thanks" if is_completed else "home"])
        code = Page(page.text).texts.get("completion-code", "")
        if page.status != 200 or (is_completed and not code):
            raise BotError("Every answer is stored, but the last page shows no completion code.")
        return code

    def _think(self) -> None:
        if self.think_seconds:
            time.sleep(self.rng.expovariate(1 / self.think_seconds))

    def _exchange(self, setup: Mapping[str, Any], sent: list[dict[str, Any]], after: int) -> dict[str, Any]:
        reply = self.browser.post_json(setup["responses"], {"responses": sent, "after": after}, setup["csrf"])
        body: dict[str, Any] = json.loads(reply.body)
        if "state" not in body:
            raise BotError(f"The survey answered {reply.status}: {body.get('problem')}")
        return body

    def _fetch_pictures(self, screens: list[dict[str, Any]], fetched: set[str]) -> float:
        began = time.perf_counter()
        for item in screens:
            for panel in item["screen"]["panels"]:
                if panel["kind"] == "picture" and panel["content"] not in fetched:
                    self._ok(self.browser.get(panel["content"]), "a picture")
                    fetched.add(panel["content"])
        return (time.perf_counter() - began) * 1000

    @staticmethod
    def _ok(reply: Reply, what: str) -> Reply:
        if reply.status != 200:
            raise BotError(f"Asked for {what}, the survey answered {reply.status}.")
        return reply


def guess(control: trials.Control, rng: random.Random) -> Any:
    """Any answer that the control takes: what is left where nothing is known but the screen."""
    values = [value for value, _label in control.values]
    if control.kind == "order":
        return rng.sample(values, len(values))
    if control.kind in ("choice", "scale"):
        return [rng.choice(values)] if control.several else rng.choice(values)
    if control.kind in ("slider", "number"):
        low = 0 if control.low is None else math.ceil(control.low)
        return rng.randint(low, low + 100 if control.high is None else math.floor(control.high))
    if control.kind == "region":
        return trials.marked_regions(control, rng)
    return "A guess."[: control.maximum_length]
