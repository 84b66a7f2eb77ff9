"""A study document as preregistration texts: for OSF, for AsPredicted, and in sections for a registered report."""

from collections.abc import Mapping
from typing import Any

from attribution import plugins
from study.analysis import Condition
from study.analysis._by_condition import pairs_to_compare
from study.document_conditions import presented, source_of
from study.preregistration import declared
from study.supplements.primary import VALUES

Section = tuple[str, list[str]]
MISSING = "Not stated in the study document."
LAST = (
    "Other planned analyses",
    "Alternatives to be reported (multiverse)",
    "Smallest effect of interest",
    "Researchers’ forecasts",
    "Blinding",
)


def sections(
    document: Mapping[str, Any], items: int, persons: int, power: Mapping[str, Any] | None = None
) -> list[Section]:
    """(heading, paragraphs), in the order of OSF's preregistration form; what was not declared says so."""
    plan, analysis = declared(document), document["analysis"]
    return [
        ("Title", [_text(document["title"])]),
        ("Research question", [_text(document["question"])]),
        ("Hypotheses", plan["hypotheses"] or [MISSING]),
        ("Existing data", [_existing(persons)]),
        ("Design", _design(document, items)),
        ("Conditions", [_condition(one) for one in presented(document)]),
        ("Sample size and stopping rule", _size(plan, document)),
        ("Looks at the data", _looks(plan, analysis)),
        ("Smallest effect of interest", _smallest(plan, analysis)),
        ("Power", _power(power)),
        ("Measured variables", [_task(task) for task in document["tasks"]]),
        ("Exclusions", [_rule(one) for one in document["exclusions"]] or ["Nobody who finishes is left out."]),
        ("Primary outcome and estimator", _primary(document)),
        ("Multiplicity", _multiplicity(plan, analysis)),
        ("Other planned analyses", _others(analysis)),
        ("Alternatives to be reported (multiverse)", _multiverse(plan)),
        ("Researchers’ forecasts", _forecasts(plan, analysis)),
        ("Blinding", _blinding(plan)),
    ]


def osf(title: str, found: list[Section], stamp: str) -> str:
    """Plain text for OSF's form: one heading a field."""
    parts = [f"Preregistration: {title}", stamp]
    parts += [f"## {heading}\n\n" + "\n".join(f"- {one}" for one in said) for heading, said in found]
    return "\n\n".join(parts) + "\n"


def aspredicted(found: list[Section], stamp: str) -> str:
    """Plain text for AsPredicted's nine questions."""
    by = dict(found)
    questions = (
        ("Have any data been collected for this study already?", by["Existing data"]),
        (
            "What’s the main question being asked or hypothesis being tested in this study?",
            by["Research question"] + by["Hypotheses"],
        ),
        (
            "Describe the key dependent variable(s) specifying how they will be measured.",
            by["Primary outcome and estimator"][:1] + by["Measured variables"],
        ),
        ("How many and which conditions will participants be assigned to?", by["Design"] + by["Conditions"]),
        (
            "Specify exactly which analyses you will conduct to examine the main question/hypothesis.",
            by["Primary outcome and estimator"] + by["Multiplicity"] + by["Looks at the data"],
        ),
        (
            "Describe exactly how outliers will be defined and handled, and your precise rule(s) for excluding "
            "observations.",
            by["Exclusions"],
        ),
        (
            "How many observations will be collected or what will determine sample size?",
            by["Sample size and stopping rule"] + by["Power"],
        ),
        (
            "Anything else you would like to pre-register?",
            [one for heading in LAST for one in by[heading]],
        ),
        ("Give a title for this AsPredicted pre-registration.", by["Title"]),
    )
    parts = [f"{number}) {question}\n\n" + "\n".join(said) for number, (question, said) in enumerate(questions, 1)]
    return "\n\n".join([stamp, *parts]) + "\n"


def _existing(persons: int) -> str:
    if not persons:
        return "No data have been collected for this study yet."
    return f"{persons} people have begun to take part already: this text was made after the first of them."


def _design(document: Mapping[str, Any], items: int) -> list[str]:
    design = document["design"]
    title = plugins.describe("study.designs", design["name"]).title
    quota = f" At most {design['quota']} participants an arm." if design.get("quota") else ""
    things, reason = document["items"], document["items"].get("reason", "")
    kind = "units" if things.get("units") else "classes" if things["classes"] else "images"
    names = f"{kind} {', '.join(things[kind])}"
    chosen = f" They are of the {names}." + (f" Why these: {reason}" if reason else "")
    return [
        f"{title}.{quota} Arriving participants get the arm with the fewest participants.",
        f"{items} items.{chosen} Whatever is drawn is drawn by the study’s seed, {document['seed']}.",
    ]


def _condition(one: Mapping[str, Any]) -> str:
    source = source_of(one)
    what = "the photo itself" if source == "photo" else f"{source} {one[source]}"
    control = f", control: {one['control'].replace('_', ' ')}" if one.get("control") else ""
    given = "".join(f", {name} = {value}" for name, value in (one.get("parameters") or {}).items())
    return f"{one['name']} ({one['role'].replace('_', ' ')}): {what}{given}{control}."


def _size(plan: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    found = [f"{plan['participants']} participants are to be analysed."] if plan["participants"] else []
    if plan["stopping_rule"]:
        found.append(plan["stopping_rule"])
    elif document["design"].get("quota"):
        found.append(f"Recruiting stops when each arm has {document['design']['quota']} participants.")
    return found or [MISSING]


def _looks(plan: Mapping[str, Any], analysis: Mapping[str, Any]) -> list[str]:
    if not plan["looks"]:
        return ["The data are analysed once, after the last participant."]
    shares = ", ".join(f"{100 * look:g} %" for look in plan["looks"])
    name = {"obrien_fleming": "O’Brien-Fleming", "pocock": "Pocock"}[plan["spending"]]
    planned = plan["planned_standard_error"]
    unit = (
        f"1/SE², with a planned SE of {planned:g} {_unit(analysis)}" if planned else "the share of planned participants"
    )
    return [
        f"Looks at {shares} of the information ({unit}), {name}-like error spending of alpha = {analysis['alpha']:g} "
        "(Lan & DeMets, 1983)."
    ]


def _unit(analysis: Mapping[str, Any]) -> str:
    """Of differences of the primary outcome."""
    kinds = {"correct": "percentage points", "rating": "points of the scale"}
    return kinds.get(VALUES.get(analysis["primary"], ""), "points")


def _smallest(plan: Mapping[str, Any], analysis: Mapping[str, Any]) -> list[str]:
    if not plan["smallest_effect"]:
        return [MISSING]
    size = f"{plan['smallest_effect']:g} {_unit(analysis)}"
    return [f"The smallest effect of interest is {size}. {plan['smallest_effect_reason']}"]


def _power(power: Mapping[str, Any] | None) -> list[str]:
    if not power:
        return ["No power analysis was made."]
    return [*power["verdict"]["sentences"], *power["assumptions"]]


def _task(task: Mapping[str, Any]) -> str:
    title = plugins.describe("study.trials", task["trial_type"]).title
    prompt = _text(task["options"].get("prompt"))
    ended = title if title.endswith(("?", ".")) else f"{title}."
    return f"{task['name']}: {ended}" + (f" “{prompt}”" if prompt else "")


def _rule(one: Mapping[str, Any]) -> str:
    plugin = plugins.describe("study.exclusions", one["rule"])
    given = plugins.complete("study.exclusions", one["rule"], one["parameters"])
    values = ", ".join(f"{name} = {value}" for name, value in given.items())
    flag = getattr(plugins.load("study.exclusions", one["rule"]), "OUTCOME_DEPENDENT", False)
    return f"{plugin.title} ({one['rule']}{f': {values}' if values else ''})." + (
        " This rule looks at the outcome." if flag else ""
    )


def _primary(document: Mapping[str, Any]) -> list[str]:
    analysis = document["analysis"]
    plugin = plugins.describe("study.analysis", analysis["primary"])
    given: Mapping[str, Any] = next(
        (one["parameters"] for one in analysis["analyses"] if one["name"] == analysis["primary"]), {}
    )
    return [
        f"{plugin.title} ({analysis['primary']}{_given({'parameters': given}, '; ')}).",
        plugin.source,
        *_comparisons(document, given.get("control", "")),
        f"Two-sided, alpha = {analysis['alpha']:g}.",
    ]


def _comparisons(document: Mapping[str, Any], control: str) -> list[str]:
    """Which conditions are held against which: the primary analysis' family, and the gate that is not in it."""
    if document["analysis"]["primary"] not in VALUES:
        return []
    conditions = [Condition(one["name"], one["name"], one["role"]) for one in presented(document)]
    pairs, blind = pairs_to_compare(conditions, control)
    gates = [one.name for one in conditions if blind and one.role == "positive_control" and one.name != blind]
    said = [f"Compared are {'; '.join(f'{first} − {second}' for first, second in pairs)}."] if pairs else []
    if gates:
        said.append(
            f"Outside this family, {' and '.join(gates)} − {blind} tells whether the task can show a benefit at all."
        )
    return said


def _multiplicity(plan: Mapping[str, Any], analysis: Mapping[str, Any]) -> list[str]:
    if len(plan["family"]) > 1:
        return [f"Holm’s correction over the comparisons of {', '.join(plan['family'])} together."]
    return [f"Holm’s correction over the comparisons of {analysis['primary']}."]


def _others(analysis: Mapping[str, Any]) -> list[str]:
    others = [one for one in analysis["analyses"] if one["name"] != analysis["primary"]]
    return [
        f"{plugins.describe('study.analysis', one['name']).title} ({one['name']}{_given(one, '; ')}); secondary."
        for one in others
    ] or ["None."]


def _given(block: Mapping[str, Any], before: str) -> str:
    """The parameters that the document gives."""
    values = ", ".join(f"{name} = {value}" for name, value in (block.get("parameters") or {}).items())
    return f"{before}{values}" if values else ""


def _multiverse(plan: Mapping[str, Any]) -> list[str]:
    return [
        f"{one['name']}: {', '.join(map(_named_rule, one['exclusions'])) or 'no rules'}"
        + (f", task {one['task']}." if one["task"] else ".")
        for one in plan["multiverse"]
    ] or ["None beyond those that every report makes: without each rule, and without any."]


def _named_rule(rule: Mapping[str, Any]) -> str:
    return f"{rule['rule']}{_given(rule, ' with ')}"


def _forecasts(plan: Mapping[str, Any], analysis: Mapping[str, Any]) -> list[str]:
    percent = " %" if VALUES.get(analysis["primary"]) == "correct" else ""
    return [
        f"{one['who']} expects {one['estimate']:g}{percent} under {one['condition']}." for one in plan["forecasts"]
    ] or [MISSING]


def _blinding(plan: Mapping[str, Any]) -> list[str]:
    if plan["blind_arms"]:
        return [
            "Conditions are coded in live counts, exports and reports until the study is closed; lifting is logged."
        ]
    return ["Conditions are named throughout."]


def _text(text: Any) -> str:
    return str(text.get("en") or next(iter(text.values()), "")) if isinstance(text, Mapping) else str(text or "")
