"""A screen of every trial type in the folder, as the server makes it, in words and pictures that could be a study's."""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from study import trial_types, trials
from tests.browser.survey_taking import Taker
from tests.study.test_trials import examples, presented

SCENES = sorted((Path(__file__).parents[2] / "fixtures" / "demo" / "scenes").glob("*.png"))
PROMPTS = {
    "agree_with_label": "Is the network's label right?",
    "categorise": "What does the highlighted region show?",
    "choose_explanation": "Which of the two pictures explains the label better?",
    "count_instances": "How many of them does this picture show?",
    "distinguish": "Which of these pictures belongs to what the network sees in the photo?",
    "identify_class": "Which of these does this picture show?",
    "mark_region": "Mark the part of the photo that made the network say “goose”.",
    "match_activation": "Which of the two photos fits the reference pictures better?",
    "name_freely": "What do you see in this picture? One or two words are enough.",
    "question": "Do you know what a dumbbell looks like?",
    "rank_explanations": "Put the pictures in order, the clearest one first.",
    "rate": "How much sense does this picture make to you?",
    "simulate_counterfactual": "In which of the two photos is the network less sure of its label?",
    "simulate_forward": "What will the network say to this photo?",
    "spot_edited": "Which of the two photos was changed?",
    "tell_apart": "Which of the first two is the third one the same as?",
}
WORDS = {
    "alt": "The picture to judge",
    "photo_alt": "The photo",
    "reference_alt": "A reference picture",
    "label_text": "The network says:",
    "base_rate": "The network is right about half of the time.",
    "yes_label": "Yes, it is right",
    "no_label": "No, it is wrong",
    "main_label": "The main object",
    "separate_label": "A separate object",
    "background_label": "The background",
    "reason_prompt": "Why do you think so?",
    "tie_label": "No difference",
    "none_label": "None of these",
    "one_label": "One",
    "two_label": "Two",
    "three_label": "Three",
    "more_label": "More than three",
    "unclear_label": "I cannot tell",
    "best_label": "The clearest one",
    "worst_label": "The least clear one",
    "confidence_prompt": "How sure are you?",
    "confidence_low": "not at all sure",
    "confidence_high": "completely sure",
    "low_label": "no sense at all",
    "high_label": "complete sense",
}


@dataclass(frozen=True)
class Example:
    """A trial type with its options, and one screen of it."""

    name: str
    kind: trial_types.TrialType
    options: dict[str, Any]
    screen: trials.Screen


def all_types() -> list[Example]:
    """Every example of ``tests.study.test_trials``, which runs over the folder, in words that could be asked."""
    return [_example(*one.values, name=str(one.id)) for one in examples()]


def _example(kind: trial_types.TrialType, options: dict[str, Any], name: str) -> Example:
    def said(option: str, value: Any) -> Any:
        if value != f"Text of {option}":
            return value
        if option == "prompt":
            return PROMPTS.get(kind.name, "What do you say to this?")
        return WORDS.get(option, option.replace("_", " ").capitalize())

    worded = {option: said(option, value) for option, value in options.items()}
    screen, _key = presented(kind, worded, 5)
    return Example(name, kind, worded, screen)


class Shown:
    """The trials page of one participation, made to ask whatever screens it is given; keeps what is sent."""

    def __init__(self, taker: Taker) -> None:
        self.page, self.screens, self.sent = taker.page, list[trials.Screen](), list[dict[str, Any]]()
        taker.page.route("**/trials/", self._page)
        taker.page.route("**/responses/", self._reply)
        taker.page.route("**/media/pictures/*", self._picture)
        self.address = taker.page.url

    def ask(self, *screens: trials.Screen) -> Page:
        """Load the page with these screens, and wait until the first one is asked."""
        self.screens, self.sent = list(screens), []
        # An answer whose reply the page has not read yet would be sent once more, in place of asking at its position.
        self.page.evaluate("localStorage.clear()")
        self.page.goto(self.address)
        self.page.wait_for_function("() => document.body.dataset.at === 'asking'")
        return self.page

    def answer(self, count: int = 1) -> dict[str, Any]:
        """The ``count``-th answer, once the page has sent it: it turns to the next screen first."""
        for _ in range(200):
            if len(self.sent) >= count:
                return self.sent[count - 1]
            self.page.wait_for_timeout(50)  # in which the replies are given
        raise AssertionError(f"{len(self.sent)} answers were sent, not {count}.")

    def _items(self) -> list[dict[str, Any]]:
        return [
            {"position": position, "attempt": 1, "phase": "main", "feedback": False, "screen": screen.to_json()}
            for position, screen in enumerate(self.screens)
        ]

    def _standing(self, **more: Any) -> dict[str, Any]:
        return {"state": "started", "stored": [], "refused": [], "due": 0, "screens": [], **more}

    def _page(self, route: Any) -> None:
        response = route.fetch()
        before, start, rest = response.text().partition('<script id="setup" type="application/json">')
        setup, end, after = rest.partition("</script>")
        first = self._standing(screens=self._items())
        changed = {**json.loads(setup), "first": first, "breaks": [], "total": 12}
        route.fulfill(response=response, body=before + start + json.dumps(changed) + end + after)

    def _reply(self, route: Any) -> None:
        self.sent += route.request.post_data_json["responses"]
        stored = [
            {"position": one["position"], "attempt": 1, "is_duplicate": False, "feedback": None} for one in self.sent
        ]
        route.fulfill(json=self._standing(stored=stored, due=len(self.sent)))

    def _picture(self, route: Any) -> None:
        number = random.Random(route.request.url.rpartition("/")[2]).randrange(len(SCENES))
        route.fulfill(body=SCENES[number].read_bytes(), content_type="image/png")


def answer_by_keyboard(page: Page, screen: trials.Screen) -> None:
    """Tab into one control after the other, answer each by keys, and send all with Enter."""
    for number, control in enumerate(screen.controls):
        _tab_into(page, number)
        if control.kind == "slider":
            page.keyboard.press("ArrowRight")
        elif control.kind in ("text", "number"):
            page.keyboard.type("7")
        elif control.kind == "order":
            for digit in range(len(control.values), 0, -1):
                page.keyboard.press(str(digit))
        else:
            page.keyboard.press(str(number % len(control.values) + 1))
    while page.evaluate("document.activeElement.matches('textarea, .option')"):  # which take Enter for themselves
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.body.dataset.at !== 'asking'")


def _tab_into(page: Page, number: int) -> None:
    inside = "number => document.querySelectorAll('#controls > fieldset')[number].contains(document.activeElement)"
    for _ in range(60):
        if page.evaluate(inside, number):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"The Tab key reaches no control {number}.")
