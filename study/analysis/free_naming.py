"""Do people name the class when nothing is offered?

Free answers matched to the class's names, as in the naming of objects (Snodgrass & Vanderwart 1980,
doi 10.1037/0278-7393.6.2.174): whole words, any of a label's synonyms, small misspellings. Two-way clustered t
(Cameron, Gelbach & Miller 2011).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

import pandas as pd

from study.analysis import AnalysisError, Answers, Finding
from study.analysis._shares import shares

VERSION = 1
TRIAL_TYPE = "name_freely"


def analyse(
    answers: Answers,
    *,
    task: str = "",
    control: str = "",
    synonyms: Mapping[str, Sequence[str]] | None = None,
    similarity: float = 0.85,
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """The share of answers that hold a name of the class: the trial's answer key, or the item's class; ``synonyms``
    are {class: other names}; ``similarity`` (0 to 1) is what a misspelt word must have in common with the name."""
    is_own = answers.responses["trial_type"] == TRIAL_TYPE
    rows = (answers if task else replace(answers, responses=answers.responses[is_own])).main_rows("response", task)
    if rows.empty:
        raise AnalysisError(f"No answer of the main phase names freely (trial type {TRIAL_TYPE}).")
    if not 0 < similarity <= 1:
        raise AnalysisError("similarity is above 0 and at most 1, where 1 forgives no misspelling.")
    key = rows["answer_key"] if "answer_key" in rows else pd.Series(None, rows.index, dtype=object)
    key = key.where(key.notna(), rows["item"].map(answers.of_items("truth_class")))
    kept = rows[key.notna()].assign(label=key[key.notna()].astype(str))
    if kept.empty:
        raise AnalysisError("Neither the answers nor the items say which class was to be named.")
    others = {label: list(names) for label, names in (synonyms or {}).items()}
    kept["named"] = [
        float(is_match(str(said), label, others, similarity))
        for said, label in zip(kept["response"], kept["label"], strict=True)
    ]
    missed = kept[kept["named"] == 0]
    found = shares(
        answers,
        kept,
        "named",
        analysis="free_naming",
        title="What people named by themselves",
        did="named the class",
        axis="answers that name the class",
        method=(
            "An answer names the class where it holds all words of one of the class’s names (case, accents and plural "
            f"s apart; misspelt words by a similarity of {similarity:g} or more; Ratcliff & Metzener, 1988). The match "
            "is by program; disputed answers need a human coder."
        ),
        control=control,
        alpha=alpha,
        seed=seed,
    )
    return replace(found, notes=_most_frequent(missed))


def is_match(said: str, label: str, synonyms: Mapping[str, Sequence[str]], similarity: float) -> bool:
    """Whether an answer holds all words of one of the label's names (its parts between commas, and synonyms)."""
    words = _words(said)
    names = [*label.split(","), *synonyms.get(label, ())]
    return any(
        all(any(_alike(word, wanted, similarity) for word in words) for wanted in _words(name))
        for name in names
        if _words(name)
    )


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"\w+", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def _alike(word: str, wanted: str, similarity: float) -> bool:
    if word == wanted or word.rstrip("s") == wanted.rstrip("s"):
        return True
    # Short words are too near to each other: cat, car, cap.
    return len(wanted) > 4 and SequenceMatcher(None, word, wanted).ratio() >= similarity


def _most_frequent(missed: pd.DataFrame) -> tuple[str, ...]:
    if missed.empty:
        return ()
    said: Any = missed["response"].astype(str).str.strip().str.casefold().value_counts().head(8)
    named = ", ".join(f"“{text}” ({count})" for text, count in said.items())
    return (f"The most frequent of the {len(missed)} answers that do not name the class: {named}.",)
