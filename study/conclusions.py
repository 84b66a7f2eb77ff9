"""From answers to findings and their numbers: the same from a study's rows and from the files of its bundle."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from attribution import plugins
from study import participant_flow, tables
from study.analysis import AnalysisError, Answers, Finding, SeveralTasksError
from study.deviations import deviations, exploratory
from study.supplements import planned, supplements
from study.supplements.primary import effects


def analyse(answers: Answers) -> list[Finding]:
    """The document's analyses, the primary one first; one that the answers do not allow says why."""
    block = answers.document.get("analysis", {})
    wanted = list(block.get("analyses", []))
    wanted.sort(key=lambda one: one["name"] != block.get("primary"))
    found = [
        _labelled(finding, exploratory(answers.document, answers.plan, one))
        for one in wanted
        for finding in _findings(answers, one["name"], one.get("parameters", {}), block)
    ]
    return [_of_simulated(finding) for finding in found] if answers.is_simulated else found


def supplemented(everything: Answers, findings: Sequence[Finding]) -> list[Finding]:
    """What every report adds to the declared analyses; ``everything`` holds the excluded participants too."""
    answers = tables.analysed(everything)
    found = [*supplements(answers), *planned(everything, answers, findings)]
    return [_of_simulated(finding) for finding in found] if answers.is_simulated else found


def _labelled(finding: Finding, why: str) -> Finding:
    """The same finding, called exploratory where there is a reason to."""
    if not why:
        return finding
    title, notes = f"{finding.title} (exploratory)", (f"Exploratory: {why}.", *finding.notes)
    return replace(finding, is_exploratory=True, title=title, notes=notes)


def _of_simulated(finding: Finding) -> Finding:
    """The same finding, whose words do not speak of people."""

    def said(text: str) -> str:
        return re.sub(r"\bPeople\b", "Simulated participants", re.sub(r"\bpeople\b", "simulated participants", text))

    return replace(
        finding,
        title=said(finding.title),
        sentence=said(finding.sentence),
        answer=said(finding.answer),
        notes=tuple(map(said, finding.notes)),
    )


def _findings(answers: Answers, name: str, parameters: Mapping[str, Any], block: Mapping[str, Any]) -> list[Finding]:
    plugin = plugins.describe("study.analysis", name)
    given = dict(parameters)
    if "alpha" in plugin.parameters:
        given.setdefault("alpha", block.get("alpha", 0.05))
    complete = plugins.complete("study.analysis", name, given)
    try:
        return [plugins.load("study.analysis", name).analyse(answers, **complete)]
    except SeveralTasksError as error:
        # Nobody said which task is meant, so each is analysed by itself.
        return [
            one if f"“{task}”" in one.title else replace(one, title=f"{one.title}: {task}")
            for task in error.tasks
            for one in _findings(answers, name, {**given, "task": task}, block)
        ]
    except AnalysisError as error:
        said = _nothing_given(answers) or str(error)
        return [Finding(name, plugin.title, (), (), sentence=said, answer=said)]


def _nothing_given(answers: Answers) -> str:
    """Why no analysis has anything to say, where that is so; otherwise ""."""
    main = answers.responses[answers.responses["phase"] == "main"]
    if main.empty:
        return (
            "Nobody’s answers are analysed, because nobody has completed the study or all were left out: nothing can "
            "be said."
        )
    if "is_timed_out" in main and main["is_timed_out"].eq(True).all():
        return f"All {len(main)} answers in the main trials timed out, so nothing was answered and nothing can be said."
    return ""


def concluded(everything: Answers, findings: list[Finding], added: list[Finding]) -> dict[str, Any]:
    """What of results.json follows from the answers and the document alone."""
    excluded = participant_flow.exclusions(everything)
    return {
        "simulated": everything.is_simulated,
        "counts": {
            **participant_flow.counts(everything),
            "flags": everything.document.get("import", {}).get("flags", {}),
        },
        "findings": [as_record(finding) for finding in findings],
        "supplements": [as_record(finding) for finding in added],
        "exclusions": [
            {"participant": one.participant, "rule": one.rule, "reason": one.reason}
            for one in excluded.itertuples(index=False)
        ],
        "effects": effects(tables.analysed(everything)),
        "deviations": deviations(everything),
        "is_closed": bool(everything.plan.get("is_closed")),
        "are_conditions_coded": everything.are_conditions_coded,
    }


def as_record(finding: Finding) -> dict[str, Any]:
    return {
        "analysis": finding.analysis,
        "title": finding.title,
        "is_exploratory": finding.is_exploratory,
        "estimates": [
            {
                "condition": one.condition,
                "term": one.term,
                "estimate": _number(one.estimate),
                "low": _number(one.low),
                "high": _number(one.high),
                "half_width": _number(one.half_width),
                "interval": one.interval,
                "shown": one.shown,
                "participants": one.participants,
                "responses": one.responses,
            }
            for one in finding.estimates
        ],
        "tests": [
            {
                "name": test.name,
                "statistic": _number(test.statistic),
                "df": _number(test.df),
                "p": _number(test.p),
                "p_adjusted": _number(test.p_adjusted),
                "unit": test.unit,
            }
            for test in finding.tests
        ],
        "sentence": finding.sentence,
        "notes": list(finding.notes),
    }


def _number(value: float | None) -> float | None:
    """JSON knows no NaN: what is undefined is null."""
    return None if value is None or value != value else float(value)
