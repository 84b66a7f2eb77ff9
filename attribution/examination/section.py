"""One question of an examination: as it was asked, its numbers, its pictures, its sentence, and how it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .pictures import Picture


@dataclass
class Strip:
    """Pictures in a row under one heading, large where they are what the question is about."""

    title: str
    pictures: list[Picture]
    is_large: bool = False


@dataclass(frozen=True)
class Number:
    """A number as text, what it is, and its uncertainty by name, such as “95 % bootstrap over images 0.3 to 0.5”."""

    value: str
    what: str
    interval: str


@dataclass(frozen=True)
class Table:
    """A caption, the heads of the columns and rows of text; the first column names the row."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass
class Section:
    """A question of the critique and its answer."""

    mark: str  # S1 ... S16
    title: str
    question: str
    answer: str = ""
    numbers: list[Number] = field(default_factory=list)
    strips: list[Strip] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)  # SVG, caption
    tables: list[Table] = field(default_factory=list)
    how: str = ""
    more: list[str] = field(default_factory=list)  # further sentences from numbers
    missing: list[str] = field(default_factory=list)  # what could not be answered, and why

    def show(self, title: str, pictures: Sequence[Picture | None], *, is_large: bool = False) -> None:
        there = [one for one in pictures if one is not None]
        if there:
            self.strips.append(Strip(title, there, is_large))

    def draw(self, svg: str, caption: str) -> None:
        if svg:
            self.figures.append((svg, caption))

    def count(self, *numbers: Number | None) -> None:
        self.numbers += [number for number in numbers if number is not None]

    def tell(self, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        if rows:
            self.tables.append(Table(caption, head, rows))

    def miss(self, *words: str) -> None:
        self.missing += [text for text in words if text and text not in self.missing]
