"""Formulas such as ``correct ~ condition * saliency + (1 + condition | participant) + (1 | item)``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import formulaic
import numpy as np
import pandas as pd
import scipy.linalg
from formulaic.errors import FormulaicError

from study.statistics.mixed_models.design import Design, Factor, Floats, ModelError, order_factors

FUNCTIONS = frozenset({"C", "center", "scale", "poly", "bs", "log", "exp", "contr"})
CONTRASTS = frozenset({"treatment", "sum", "helmert", "diff", "poly", "base"})
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<quoted>`[^`]+`)|(?P<text>"[^"\\]*"|'[^'\\]*')|(?P<number>\d+(\.\d+)?)"""
    r"""|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|[-+*:^/(),.=])"""
)
_GROUP = re.compile(r"\(([^()|]*(?:\([^()|]*\)[^()|]*)*)(\|\|?)([^()|]*)\)")


@dataclass(frozen=True)
class RandomTerm:
    """What varies (right-hand side of a formula), over which columns' combinations, and whether effects correlate."""

    effects: str
    group: tuple[str, ...]
    is_correlated: bool


@dataclass(frozen=True)
class Parsed:
    """The three parts of a mixed-model formula."""

    response: str
    fixed: str
    random: tuple[RandomTerm, ...]


def parse(formula: str, columns: Sequence[str]) -> Parsed:
    """Split a formula and check every word in it against the data's columns.

    Only columns, numbers, ``C(...)``, ``center``, ``scale``, ``poly``, ``bs``, ``log`` and ``exp`` may be used: a
    formula comes from a study document and must not be able to run code. Raises ``ModelError``.
    """
    left, tilde, right = formula.partition("~")
    response = left.strip().strip("`")
    if not tilde or not response or not right.strip():
        raise ModelError(f"{formula!r} is not a formula; one looks like 'correct ~ condition + (1 | participant)'.")
    if response not in columns:
        raise ModelError(f"The formula's response {response!r} is not a column; there are: {', '.join(columns)}.")
    terms = []
    for effects, bar, group in _GROUP.findall(right):
        names = tuple(part.strip().strip("`") for part in group.split(":"))
        if unknown := [name for name in names if name not in columns]:
            raise ModelError(f"The grouping factor {unknown[0]!r} is not a column; there are: {', '.join(columns)}.")
        _check_words(effects, columns)
        terms.append(RandomTerm(effects.strip() or "1", names, bar == "|"))
    fixed = re.sub(r"\+\s*(?=\+|$)|^\s*\+", "", _GROUP.sub("", right).strip()).strip()
    if "|" in fixed:
        raise ModelError(f"The random effects in {formula!r} are not readable; write them as '(1 + x | participant)'.")
    fixed = fixed or "1"
    _check_words(fixed, columns)
    if not terms:
        raise ModelError(f"{formula!r} has no random effects; add a term such as '(1 | participant)'.")
    return Parsed(response, fixed, tuple(terms))


def _check_words(text: str, columns: Sequence[str]) -> None:
    """Refuse whatever is not a column, a number, an operator or one of the known functions."""
    position, before = 0, ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ModelError(f"{text[position]!r} may not stand in a formula ({text!r}).")
        word = match.group()
        allowed = FUNCTIONS.union(columns) if before != "." else CONTRASTS
        if match["name"] and word not in allowed and not text[match.end() :].lstrip().startswith("="):
            raise ModelError(f"{word!r} in the formula is neither a column nor a known function; "
                             f"columns are: {', '.join(columns)}.")  # fmt: skip
        if word == "." and before != "contr":
            raise ModelError(f"'.' may not stand in a formula ({text!r}).")
        if match["quoted"] and word[1:-1] not in columns:
            raise ModelError(f"{word} in the formula is not a column; there are: {', '.join(columns)}.")
        position, before = match.end(), word if not match["space"] else before


def design(formula: str, frame: pd.DataFrame, *, keeps_intercept: bool = True) -> Design:
    """The design of a formula over a frame with one row a response.

    Rows with a missing value in a used column are left out and counted in a note; columns that others determine are
    dropped and named. Raises ``ModelError`` for unknown columns, fewer than two levels or an unreadable formula.
    """
    parsed = parse(formula, [str(column) for column in frame.columns])
    used = _used_columns(parsed, frame)
    complete = frame[used].notna().all(axis=1).to_numpy()
    notes = []
    if not complete.all():
        notes.append(f"{int((~complete).sum())} of {len(frame)} rows have a missing value and are left out.")
        frame = frame.loc[complete]
    if not len(frame):
        raise ModelError(f"No row has a value for all of {', '.join(used)}.")
    fixed, fixed_spec = _matrix(parsed.fixed, frame)
    if not keeps_intercept and "Intercept" in fixed.columns:
        fixed = fixed.drop(columns="Intercept")
    X, names, dropped = _independent(fixed.to_numpy(float), [str(name) for name in fixed.columns])
    if dropped:
        notes.append(f"{', '.join(dropped)}: left out, since the other columns determine it on these data.")
    factors, random_specs = _factors(parsed.random, frame)
    ordered, rows = order_factors(factors)
    return Design(
        y=frame[parsed.response].to_numpy()[rows],
        X=np.ascontiguousarray(X[rows]),
        names=tuple(names),
        factors=tuple(ordered),
        response=parsed.response,
        formula=formula,
        notes=tuple(notes),
        specification=(fixed_spec, tuple(names), random_specs, [f.name for f in ordered], frame.iloc[rows]),
    )


def columns_for(design: Design, frame: pd.DataFrame) -> tuple[Floats, list[Floats]]:
    """The fixed-effects columns (n, p) and each factor's random-effects columns (n, q) of other data."""
    fixed_spec, names, random_specs, order, _ = design.specification
    fixed = pd.DataFrame(fixed_spec.get_model_matrix(frame))
    random: list[Floats] = []
    for name in order:
        parts = [pd.DataFrame(spec.get_model_matrix(frame)).to_numpy(float) for spec in random_specs[name]]
        random.append(np.concatenate(parts, axis=1))
    return fixed[list(names)].to_numpy(float), random


def fitted_frame(design: Design) -> pd.DataFrame:
    """The data of a design, in its row order."""
    frame = design.specification[4]
    if not isinstance(frame, pd.DataFrame):
        raise TypeError("the design was not made from a formula")
    return frame


def _used_columns(parsed: Parsed, frame: pd.DataFrame) -> list[str]:
    groups = [name for term in parsed.random for name in term.group]
    texts = [parsed.fixed, *(term.effects for term in parsed.random)]
    words = {match.group().strip("`") for text in texts for match in _TOKEN.finditer(text)}
    return list(dict.fromkeys([parsed.response, *groups, *(c for c in frame.columns if c in words)]))


def _matrix(text: str, frame: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    try:
        matrix = formulaic.Formula(text).get_model_matrix(frame, na_action="raise")
    except (FormulaicError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"The formula part {text!r} does not fit the data: {error}") from error
    return pd.DataFrame(matrix), matrix.model_spec


def _independent(X: Floats, names: list[str]) -> tuple[Floats, list[str], list[str]]:
    """Columns that are not combinations of earlier ones."""
    if not np.isfinite(X).all():
        raise ModelError("A predictor has values that are not finite.")
    scale = np.linalg.norm(X, axis=0)
    triangle = scipy.linalg.qr(X / np.where(scale > 0, scale, 1.0), mode="r")[0]
    kept: list[int] = []
    # Column j is new if what the columns kept before leave of it is not rounding.
    for j in range(X.shape[1]):
        basis = triangle[:, kept]
        rest = triangle[:, j] - (basis @ np.linalg.lstsq(basis, triangle[:, j])[0] if kept else 0.0)
        if np.linalg.norm(rest) > 1e-8:
            kept.append(j)
    dropped = [name for j, name in enumerate(names) if j not in kept]
    return X[:, kept], [names[j] for j in kept], dropped


def _factors(terms: Sequence[RandomTerm], frame: pd.DataFrame) -> tuple[list[Factor], dict[str, list[Any]]]:
    """One factor for each grouping, with the effects of all its terms."""
    by_group: dict[str, list[RandomTerm]] = {}
    for term in terms:
        by_group.setdefault(":".join(term.group), []).append(term)
    factors: list[Factor] = []
    specs: dict[str, list[Any]] = {}
    for name, members in by_group.items():
        key = frame[members[0].group[0]].astype(str)
        for other in members[0].group[1:]:
            key = key + ":" + frame[other].astype(str)
        codes, levels = pd.factorize(key, sort=True)
        if len(levels) < 2:
            raise ModelError(f"There is only one {name} ({levels[0]}): its random effect cannot be told from the rest; "
                             f"leave it out or collect more.")  # fmt: skip
        blocks: list[Floats] = []
        effects: list[str] = []
        pattern: list[tuple[int, int]] = []
        specs[name] = []
        for term in members:
            matrix, spec = _matrix(term.effects, frame)
            start, q = len(effects), matrix.shape[1]
            blocks.append(matrix.to_numpy(float))
            effects += [str(column) for column in matrix.columns]
            pattern += [(start + i, start + j) for j in range(q) for i in range(j, q) if term.is_correlated or i == j]
            specs[name].append(spec)
        if len(set(effects)) < len(effects):
            raise ModelError(f"A random effect of {name} is named twice in the formula.")
        factors.append(
            Factor(
                name=name,
                levels=tuple(str(level) for level in levels),
                codes=codes.astype(np.intp),
                Z=np.concatenate(blocks, axis=1),
                effects=tuple(effects),
                pattern=np.array(pattern, dtype=np.intp),
            )
        )
    return factors, specs
