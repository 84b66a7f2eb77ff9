"""From recruited to analysed: who is left out and by which rule, in numbers; of rows and of exported files alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from attribution import plugins
from study.analysis import Answers

# What keeps a participation out before any rule is asked: state -> (name, sentence).
UNFINISHED = {
    "started": ("not_completed", "Did not finish."),
    "screened_out": ("screened_out", "Was screened out."),
    "failed_check": ("failed_check", "Did not pass the questions about the instructions, or the practice."),
    "withdrawn": ("withdrawn", "Withdrew; the answers are deleted."),
    "erased": ("erased", "Was erased; the answers are deleted."),
}


def apply(rules: Sequence[Mapping[str, Any]], participants: pd.DataFrame, responses: pd.DataFrame) -> None:
    """Ask the declared rules in their order; note the first that fires in ``participants``, and all that it says."""
    for block in rules:
        plugin = plugins.load("study.exclusions", block["rule"])
        parameters = plugins.complete("study.exclusions", block["rule"], block.get("parameters", {}))
        reasons = plugin.excluded(participants, responses, **parameters)
        if block.get("reason"):
            reasons = {name: f"{reason} {block['reason']}" for name, reason in reasons.items()}
        fires = participants["participant"].isin(reasons) & participants["excluded_by"].isna()
        participants.loc[fires, "reason"] = participants.loc[fires, "participant"].map(reasons)
        participants.loc[fires, "excluded_by"] = block["rule"]


def exclusions(everything: Answers) -> pd.DataFrame:
    """Who is left out by a declared rule: participant, arm, rule, reason, is_outcome_dependent."""
    before = {rule for rule, _ in UNFINISHED.values()}
    people = everything.participants
    out = people[people["excluded_by"].notna() & ~people["excluded_by"].isin(before)]
    flagged = {
        rule: bool(getattr(plugins.load("study.exclusions", rule), "OUTCOME_DEPENDENT", False))
        for rule in out["excluded_by"].unique()
    }
    return pd.DataFrame(
        {
            "participant": out["participant"],
            "arm": out["arm"],
            "rule": out["excluded_by"],
            "reason": out["reason"],
            "is_outcome_dependent": out["excluded_by"].map(flagged),
        }
    ).reset_index(drop=True)


def counts(everything: Answers) -> dict[str, Any]:
    """The flow from recruited to analysed, over all and for each arm; and the answers."""
    people, rows = everything.participants, everything.responses
    kept = rows[rows["excluded_by"].isna()]
    main = kept[kept["phase"] == "main"]
    is_imported = bool((people["origin"] == "imported").any())
    return {
        "participants": _flow(people),
        "responses": {
            "imported": len(rows) if is_imported else 0,
            "recorded": len(rows),
            "excluded": len(rows) - len(kept),
            "analysed": len(kept),
            "main": len(main),
            "timed_out": int((main["is_timed_out"] == True).sum()),  # noqa: E712  None is neither
            "without_response_time": int(main["response_ms"].isna().sum()),
        },
        "arms": {str(arm): _flow(people[people["arm"] == arm]) for arm in sorted(people["arm"].dropna().unique())},
    }


def _flow(participants: pd.DataFrame) -> dict[str, Any]:
    by_rule = participants["excluded_by"].value_counts()
    before = {rule: int(by_rule.get(rule, 0)) for rule, _ in UNFINISHED.values()}
    rules = {str(rule): int(count) for rule, count in by_rule.items() if rule not in before}
    return {
        "recruited": len(participants),
        "imported": int((participants["origin"] == "imported").sum()),
        **before,
        "excluded": sum(rules.values()),
        "excluded_by": rules,
        "analysed": int(participants["excluded_by"].isna().sum()),
    }
