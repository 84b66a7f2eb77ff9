"""Does a report's page still say what its numbers give? Its sections are read as texts and compared in order."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from itertools import zip_longest
from typing import Any

from study.analysis import Condition, Finding
from study.report_texts import dropout, flow, shown

TEXTS = {"p", "h1", "h2", "h3", "td", "th", "caption", "li", "dt", "dd", "summary", "pre", "figcaption"}
SVG = re.compile(r"<svg\b|</svg>")
SAID = 120  # letters around a difference


def page_differences(
    html: str,
    counts: Mapping[str, Any],
    conditions: Sequence[Condition],
    findings: Sequence[Finding],
    added: Sequence[Finding],
) -> Iterator[str]:
    """A sentence for each part of the page that is not what the numbers give."""
    page = _Sections()
    page.feed(html)
    page.close()
    wanted = {name: _texts(name, shown(finding), title) for name, title, finding in _placed(findings, added)}
    if findings:
        first = shown(findings[0])
        wanted["answer"] = [first["answer"] or first["sentence"]]
    wanted["people"] = [text for text in _people(counts, conditions) if text != ""]
    for name, expected in wanted.items():
        there = page.found.get(name, [])
        if name == "people":
            there = there[: len(expected)]
        yield from _compared(name, there, [text for text in map(_plain, expected) if text])
    drawn = [finding.figure for _, _, finding in _placed(findings, added) if finding.figure]
    for number, (one, other) in enumerate(zip_longest(_figures(html), drawn, fillvalue=""), 1):
        if one != other:
            said, give = _around(one, other)
            yield f"index.html, figure {number}: the page says “{said}”, the data give “{give}”."


def _figures(html: str) -> Iterator[str]:
    """The page's drawings; what lies in one, such as a mark of its legend, is part of it."""
    depth = start = 0
    for tag in SVG.finditer(html):
        if tag[0] != "</svg>":
            start = start if depth else tag.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                yield html[start : tag.end()]


def _placed(findings: Sequence[Finding], added: Sequence[Finding]) -> Iterator[tuple[str, str, Finding]]:
    """Every finding in the order of the page, with the name of its section and its heading."""
    for number, finding in enumerate(findings):
        title = shown(finding)["title"]
        if number == 0:
            yield "primary", f"Main result: {title.lower()}", finding
            yield from ((one.analysis, one.title, one) for one in added if one.analysis == "scales")
        else:
            yield f"finding-{number}", title, finding
    yield from ((one.analysis, one.title, one) for one in added if one.analysis != "scales")


def _texts(section: str, finding: Mapping[str, Any], title: str) -> list[str]:
    """As templates/reports/finding.html puts them."""
    has_lead = section.startswith("finding-") and finding["answer"] != finding["sentence"]
    lead = [finding["answer"]] if has_lead else []
    table = [
        finding["folded"],
        f"In numbers: {finding['title']}",
        *finding["header"],
        *(cell for row in finding["rows"] for cell in row),
    ]
    return [title, *lead, finding["sentence"], *(table if finding["rows"] else []), *finding["notes"]]


def _people(counts: Mapping[str, Any], conditions: Sequence[Condition]) -> list[str]:
    told = flow(counts, {condition.name: condition.label for condition in conditions})
    cells = [cell for label, numbers in told["rows"] for cell in (label, *numbers)]
    return ["Who took part", "Participants, from recruited to analysed", *told["header"], *cells, dropout(counts)]


def _compared(section: str, there: Sequence[str], expected: Sequence[str]) -> Iterator[str]:
    for one, other in zip_longest(there, expected, fillvalue=""):
        if one != other:
            said, give = _around(one, other)
            yield f"index.html, section “{section}”: the page says “{said}”, the data give “{give}”."


def _around(one: str, other: str) -> tuple[str, str]:
    """Both texts from a little before the first letter in which they differ."""
    place = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(place - SAID // 2, 0)
    return one[start : start + SAID], other[start : start + SAID]


def _plain(text: Any) -> str:
    return " ".join(str(text).split())


class _Sections(HTMLParser):
    """The texts of each section, by what labels it; those of the first answer under “answer”."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, list[str]] = {}
        self.section = ""
        self.parts: list[str] = []
        self.drawing = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.drawing += tag == "svg"
        if tag in TEXTS or tag == "section":
            self._end()
        if tag == "section":
            self.section = attributes.get("aria-labelledby") or ""
        elif tag == "p" and attributes.get("class") == "answer":
            self.section = "answer"

    def handle_endtag(self, tag: str) -> None:
        self.drawing -= tag == "svg"
        if tag in TEXTS or tag == "section":
            self._end()
        if tag == "section" or (tag == "p" and self.section == "answer"):
            self.section = ""

    def handle_data(self, data: str) -> None:
        if not self.drawing:
            self.parts.append(data)

    def _end(self) -> None:
        text = _plain("".join(self.parts))
        self.parts = []
        if text and self.section:
            self.found.setdefault(self.section, []).append(text)
