"""Texts of a study document: each is {language: text}; and the sentences about what is wrong in one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import nh3

LANGUAGE = re.compile(r"(?=.{2,12}$)[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
TAGS = {"a", "b", "blockquote", "br", "em", "h2", "h3", "h4", "hr", "i", "li", "ol", "p", "strong", "ul"}
Path = tuple[str | int, ...]


class Problem(str):
    """A sentence about one key of a document; ``path`` leads to it."""

    path: Path

    def __new__(cls, path: Path, words: str) -> "Problem":
        self = super().__new__(cls, f"{dotted(path)}: {words}" if path else words)
        self.path = path
        return self


def dotted(path: Path) -> str:
    """A path as people write it: conditions[2].rendering.display, the first of a list being [1]."""
    return "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def localised(value: Any, language: str) -> Any:
    """The value with every {language: text} in it, however deep, turned into its text in ``language``."""
    if isinstance(value, Mapping):
        if is_text(value) and language in value:
            return value[language]
        return {key: localised(inner, language) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [localised(inner, language) for inner in value]
    return value


def is_text(value: Any) -> bool:
    """Whether a value is {language: text}."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) and LANGUAGE.fullmatch(key) for key in value)
        and all(isinstance(text, str) for text in value.values())
    )


def text_problems(path: Path, value: Any, languages: Sequence[str]) -> list[Problem]:
    """What keeps a value from being a text in every language."""
    example = "{ " + ", ".join(f'{language} = "…"' for language in languages or ["en"]) + " }"
    if not is_text(value):
        return [Problem(path, f"should be a text in each language: {example}.")]
    missing = [language for language in languages if not value.get(language, "").strip()]
    # Where languages itself is wrong, it says so; which texts are missing is not known then.
    extra = [language for language in value if languages and language not in languages]
    found = [Problem(path, f"has no text in {', '.join(missing)}; it should be {example}.")] if missing else []
    if extra:
        found.append(Problem(path, f"has a text in {', '.join(extra)}, which languages does not name."))
    return found


def clean(html: str) -> str:
    """HTML with nothing in it but plain formatting and links."""
    return nh3.clean(html, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"})
