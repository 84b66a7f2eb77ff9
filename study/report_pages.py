"""What a report's page says besides its findings: who took part, what they saw, how it was done, what deviates."""

import base64
from collections.abc import Mapping
from typing import Any

from attribution import plugins
from attribution.models import Picture
from study import blinding, frames, participant_flow
from study.analysis import Answers, Finding
from study.import_rows import flagged
from study.report_texts import FILES, dropout, flow, shown

from .models import Participant, Stimulus, StimulusSlot, Study


def page(
    study: Study, everything: Answers, findings: list[Finding], added: list[Finding], results: Mapping[str, Any]
) -> dict[str, Any]:
    """The template's context."""
    return {
        "study": study,
        "question": _text(study.document.get("question")),
        "results": results,
        "is_simulated": everything.is_simulated,
        "is_imported": bool((everything.participants["origin"] == Participant.Origin.IMPORTED).any()),
        "primary": shown(findings[0]) if findings else None,
        "others": [shown(finding) for finding in findings[1:]],
        "scales": next((shown(finding) for finding in added if finding.analysis == "scales"), None),
        "supplements": [shown(finding) for finding in added if finding.analysis != "scales"],
        "saw": pictures(study, everything),
        "flow": flow(results["counts"], {c.name: c.label for c in everything.conditions}),
        "dropout": dropout(results["counts"]),
        "rules": rules(everything),
        "excluded": participant_flow.exclusions(everything).to_dict("records"),
        "methods": methods(study, everything, [*findings, *added], results),
        "deviations": results["deviations"],
        "files": FILES,
        "source": source(study),
        "alpha": f"{study.document.get('analysis', {}).get('alpha', 0.05):g}".removeprefix("0"),
        "created_at": f"{results['created_at'][:16].replace('T', ' ')} UTC",
    }


def rules(everything: Answers) -> list[dict[str, Any]]:
    """The declared rules with their parameters, how many they leave out, and whether they look at the outcome."""
    left_out = everything.participants["excluded_by"].value_counts()
    found = []
    for block in everything.document.get("exclusions", []):
        name = block["rule"]
        plugin = plugins.describe("study.exclusions", name)
        parameters = plugins.complete("study.exclusions", name, block.get("parameters", {}))
        is_flagged = getattr(plugins.load("study.exclusions", name), "OUTCOME_DEPENDENT", False)
        found.append(
            {
                "title": plugin.title,
                "name": name,
                "parameters": ", ".join(f"{key} = {_plain(value)}" for key, value in parameters.items() if value != ""),
                "count": int(left_out.get(name, 0)),
                "is_outcome_dependent": is_flagged,
            }
        )
    return found


def pictures(study: Study, everything: Answers) -> list[dict[str, str]]:
    """One picture of each condition, of the same item where there is one: what people saw."""
    slots = (
        StimulusSlot.objects.filter(stimulus__study=study, stimulus__condition__isnull=False, role="explanation")
        .exclude(picture=None)
        .select_related("picture", "stimulus__item", "stimulus__condition")
        .order_by("stimulus__item__name")
    )
    by_item: dict[str, dict[str, Picture]] = {}
    for slot in slots:
        item, condition = slot.stimulus.item, slot.stimulus.condition
        if item and condition and slot.picture and slot.picture.file:
            by_item.setdefault(item.name, {}).setdefault(condition.name, slot.picture)
    if not by_item:
        return []
    item_name = max(by_item, key=lambda name: len(by_item[name]))
    chosen = by_item[item_name]
    return [
        {"label": condition.label, "item": item_name, "source": _data(chosen[condition.name])}
        for condition in everything.conditions
        if condition.name in chosen
    ]


def methods(study: Study, everything: Answers, findings: list[Finding], results: Mapping[str, Any]) -> list[str]:
    """The methods, in paragraphs that a paper could print."""
    document, numbers = everything.document, results["counts"]["participants"]
    who = {"simulated": "simulated participants (programs)", "imported": "participants of another study"}.get(
        frames.origin(study), "participants"
    )
    labels = {c.name: c.label for c in everything.conditions}
    analysed = [f"{labels.get(arm, arm)}: {one['analysed']}" for arm, one in results["counts"]["arms"].items()]
    people = (
        f"{numbers['recruited']} {who} took part; the answers of {numbers['analysed']} were analysed"
        + (f" ({', '.join(analysed)})" if len(analysed) > 1 else "")
        + ("." if study.state == Study.State.IMPORTED else ". Only completed participations count.")
    )
    paragraphs = [people]
    conditions = [c.label for c in everything.conditions]
    if blinding.is_blinded(study):
        paragraphs.append("The conditions are coded: the blinding has not been lifted.")
    if conditions:
        design = document.get("design", {}).get("name", "")
        title = plugins.describe("study.designs", design).title if design in plugins.names("study.designs") else ""
        shown = Stimulus.objects.filter(study=study, condition__isnull=False).count()
        described = f"The conditions were: {', '.join(conditions)}."
        if shown:
            described += f" {len(everything.items)} items gave {shown} stimuli."
        if title:
            described += f" Design: {title[:1].lower()}{title[1:]}."
        paragraphs.append(described)
    left_out = [
        f"{rule['title'][:1].lower()}{rule['title'][1:]} ({rule['name']}, {rule['parameters'] or 'no parameters'}; "
        f"left out {rule['count']})"
        for rule in rules(everything)
    ]
    if left_out:
        where = "in the mapping" if study.state == Study.State.IMPORTED else "beforehand"
        paragraphs.append(f"Participants were left out by rules declared {where}: {'; '.join(left_out)}.")
    paragraphs += list(dict.fromkeys(finding.method for finding in findings if finding.method))
    software = results["software"]
    paragraphs.append(
        f"Computed with Gander {software['gander']} on Python {software['python']} (numpy {software['numpy']}, scipy "
        f"{software['scipy']}, pandas {software['pandas']}, statsmodels {software['statsmodels']})."
    )
    return paragraphs


def source(study: Study) -> dict[str, Any]:
    """Of an imported study: the file, its hash, the mapping, and what was remarkable, in words."""
    made = study.document.get("import", {})
    remarks = [flagged(name, count) for name, count in made.get("flags", {}).items()]
    return {**made, "remarks": remarks} if made else {}


def _data(picture: Picture) -> str:
    with picture.file.open("rb") as file:
        return f"data:image/png;base64,{base64.b64encode(file.read()).decode()}"


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{len(value)} named" if len(value) > 3 else ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _text(text: Any) -> str:
    return str(text.get("en") or next(iter(text.values()), "")) if isinstance(text, Mapping) else ""
