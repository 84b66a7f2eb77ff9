"""What a report's page says of its numbers, without Django: written into the page, and compared with it later."""

from collections.abc import Mapping
from typing import Any

from study.analysis import Finding
from study.statistics.dropout import differential_dropout
from study.statistics.rounding import p_value

LONG_TABLE = 30  # rows; a longer one is folded up
# What lies in a report’s folder.
FILES = (
    ("README.md", "what is in this folder, in words"),
    ("report.pdf", "this page for printing, where it was asked for"),
    ("results.json", "the numbers of this page, for programs"),
    ("responses.csv", "every answer, one row a trial"),
    ("trials.csv", "how each of those trials was presented"),
    ("participants.csv", "every participation, with the rule that leaves it out, if one does"),
    ("items.csv", "the items, what is true of them and their measurements"),
    ("data", "these tables once more, under the names that Psych-DS asks for"),
    ("codebook.csv", "what every column of these files means"),
    ("document.json", "the study document as it is now"),
    ("plan.json", "what was frozen before the answers, when, and how often they were looked at since"),
    ("datapackage.json", "the columns’ types and limits, how the tables belong together, every file’s sha256"),
    ("dataset_description.json", "what this is, as Psych-DS and schema.org describe data"),
    ("reproduce.py", "computes all numbers again; with “verify” it compares them with this page"),
)
FLOW = (
    ("recruited", "recruited"),
    ("withdrawn", "withdrew"),
    ("erased", "were erased"),
    ("screened_out", "were screened out"),
    ("failed_check", "did not pass the check before it began"),
    ("not_completed", "did not finish"),
    ("excluded", "left out by a declared rule"),
    ("analysed", "analysed"),
)


def flow(counts: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """The numbers from recruited to analysed, over all and for each arm: a header and rows."""
    arms = counts["arms"].items() if len(counts["arms"]) > 1 else []
    columns = [("everybody", counts["participants"]), *arms]
    names = dict(FLOW)
    if counts["participants"]["imported"]:
        names["recruited"] = "imported"
    rows = [
        (names[key], [numbers[key] for _, numbers in columns])
        for key in names
        if key in ("recruited", "analysed") or counts["participants"][key]
    ]
    return {"header": [labels.get(name, name) for name, _ in columns], "rows": rows}


def dropout(counts: Mapping[str, Any]) -> str:
    """Whether the arms lost participants differently, in a sentence."""
    arms = list(counts["arms"].values())
    analysed = [arm["analysed"] for arm in arms]
    tested = differential_dropout(analysed, [arm["recruited"] - kept for arm, kept in zip(arms, analysed, strict=True)])
    if tested is None:
        return ""
    if tested.p < 0.05:
        return (
            f"The arms lost participants at different rates ({p_value(tested.p)}): those who stayed may differ between "
            "arms, which can look like an effect."
        )
    return f"The arms did not clearly differ in how many participants they lost ({p_value(tested.p)})."


def shown(finding: Finding) -> dict[str, Any]:
    """What the page’s template shows of a finding."""
    table = finding.table
    return {
        "title": finding.title,
        "analysis": finding.analysis,
        "answer": _unbroken(finding.answer),
        "sentence": _unbroken(finding.sentence),
        "notes": [_unbroken(note) for note in finding.notes],
        "figure": finding.figure,
        "header": list(table.columns),
        "rows": table.to_numpy().tolist(),
        "folded": f"The table, {len(table)} rows" if len(table) > LONG_TABLE else "",
        "tests": [test for test in finding.tests if test.p is not None],
    }


def _unbroken(text: str) -> str:
    """With no-break spaces around the signs of statistics: no line ends between p and its value."""
    return text.replace(" = ", "\u00a0=\u00a0").replace(" < ", "\u00a0<\u00a0").replace(" > ", "\u00a0>\u00a0")
