"""Recruitment sources: what a study file names by ``source`` is a table of recruitment_sources.toml."""

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from .texts import Problem

Table = Mapping[str, Any]
FILE = Path(__file__).with_suffix(".toml")
EMPTY: dict[str, Any] = {
    "title": "",
    "link": "",
    "identity_parameter": "",
    "other_parameters": [],
    "return_urls": {},
    "submit": {},
    "looking": {},
    "idle_seconds": 0,
}
PLACE = re.compile(r"\{(\w+)\}")
SITE = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?")
SUBMIT = (
    'should be { address = "{site}/submit", origins = ["https://panel.example"], fields = { code = "{code}" } }: '
    "where the form goes, the sites that it may go to, and what it holds."
)


@functools.cache
def sources() -> dict[str, dict[str, Any]]:
    """Each preset by its name, whole."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: {**EMPTY, **preset} for name, preset in found.items()}


def filled_in(source: Table) -> dict[str, Any]:
    """One recruitment of a study document with its preset's values where it says nothing itself."""
    preset = sources()[source["source"]]
    said = {key: value for key, value in source.items() if value is not None}
    for_any = preset["return_urls"].get("any", "")
    addresses = {outcome: for_any for outcome in source["codes"] if for_any}
    own = {key: value for key, value in preset["return_urls"].items() if key != "any"}
    whole = {key: value for key, value in preset.items() if key not in ("title", "link")} | said
    return {**whole, "return_urls": {**addresses, **own, **source["return_urls"]}}


def recruitment_problems(document: Table) -> list[Problem]:
    """What is wrong with where participants are to come from."""
    if not document["recruitment"]:
        return [
            Problem(
                ("recruitment",),
                'should name at least one source, such as { name = "link" }; nobody could come otherwise.',
            )
        ]
    found = []
    for number, source in enumerate(document["recruitment"]):
        if source["source"] not in sources():
            words = f"= “{source['source']}” should be one of: {', '.join(sources())} (recruitment_sources.toml)."
            found.append(Problem(("recruitment", number, "source"), words))
            continue
        whole = filled_in(source)
        known = ["code", *filter(None, [whole["identity_parameter"], *whole["other_parameters"]])]
        for outcome, address in source["return_urls"].items():
            if words := _unknown_place([address], known):
                found.append(Problem(("recruitment", number, "return_urls", outcome), words))
            elif PLACE.search(urlsplit(address).netloc):
                words = f"= “{address}” lets a link choose the site that people are sent to; places come after it."
                found.append(Problem(("recruitment", number, "return_urls", outcome), words))
        if submit := whole["submit"]:
            words = _submit_problem(submit) or _unknown_place([submit["address"], *submit["fields"].values()], known)
            found += [Problem(("recruitment", number, "submit"), words)] if words else []
        if not _are_texts(whole["looking"]):
            words = 'should hold a text for each parameter, such as { PREVIEW = "yes" }.'
            found.append(Problem(("recruitment", number, "looking"), words))
    return found


def _unknown_place(texts: Iterable[str], known: Sequence[str]) -> str:
    unknown = [name for text in texts for name in PLACE.findall(text) if name not in known]
    if not unknown:
        return ""
    return f"has “{{{unknown[0]}}}”, which the link does not come with; it may have: {', '.join(known)}."


def _submit_problem(submit: Table) -> str:
    """What would break the last page of whoever the form is for."""
    if set(submit) != {"address", "origins", "fields"} or not isinstance(submit["origins"], list):
        return SUBMIT
    sites = [site for site in submit["origins"] if isinstance(site, str) and SITE.fullmatch(site)]
    is_whole = isinstance(submit["address"], str) and isinstance(submit["fields"], Mapping)
    return "" if is_whole and _are_texts(submit["fields"]) and sites and sites == submit["origins"] else SUBMIT


def _are_texts(table: Table) -> bool:
    return all(isinstance(value, str) for value in table.values())


def returning(address: str, values: Mapping[str, str]) -> str:
    """A return address with what its places stand for; "" where one is missing, or it is no web address."""
    if any(not values.get(name) for name in PLACE.findall(address)):
        return ""
    told = PLACE.sub(lambda place: quote(values[place[1]], safe=""), address)
    return told if told.startswith(("https://", "http://")) else ""


def submission(submit: Table, values: Mapping[str, str]) -> dict[str, Any]:
    """The form that the last page sends: {"address", "origins", "fields"}; {} where it may not go where it would."""
    if not submit:
        return {}

    def told(text: str) -> str:
        return PLACE.sub(lambda place: values.get(place[1], ""), text)

    # Who it is sent to came with the link, which anybody can write: only listed sites get it.
    address = re.sub(r"(?<!:)//+", "/", told(submit["address"]))
    parts = urlsplit(address)
    if f"{parts.scheme}://{parts.netloc}" not in submit["origins"]:
        return {}
    fields = {name: told(text) for name, text in submit["fields"].items()}
    return {"address": address, "origins": submit["origins"], "fields": fields}
