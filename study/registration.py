"""A study's preregistration taken outside: as texts and a Stage-1 registered report; and attached to it again."""

import base64
import json
import re
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.template.loader import render_to_string

from attribution.models import State, digest
from study import conclusions, frozen_plan, launching, power_curve, registration_texts, tables
from study.power_data import example
from study.power_plan import Plan
from study.report_texts import shown

from .document import item_names
from .models import Participant, PowerAnalysis, Study

OSF = re.compile(r"(?:https?://)?(?:osf\.io/|doi\.org/10\.17605/OSF\.IO/)?([a-z0-9]{5})/?", re.IGNORECASE)
LARGEST_TOKEN = 100_000  # bytes; a time-stamp token has a few thousand


class RegistrationError(ValueError):
    """The preregistration cannot be written or attached; the message says why and what would be right."""


def write(study: Study, folder: Path) -> list[Path]:
    """Write osf.txt, aspredicted.txt, registered_report.html and plan.json into ``folder``."""
    if study.state == Study.State.IMPORTED:
        raise RegistrationError(f"{study} was answered elsewhere: nothing can be registered before its answers.")
    power = _power(study)
    named = item_names(study.document["items"])
    items = study.item_set.count() or len(named)
    persons = study.participant_set.filter(origin=Participant.Origin.PERSON).count()
    found = registration_texts.sections(study.document, items, persons, power.results if power else None)
    stamp = time_stamp(study)
    context = {"study": study, "sections": found, "stamp": stamp, **_simulated(study, power)}
    texts = {
        "osf.txt": registration_texts.osf(study.title, found, stamp),
        "aspredicted.txt": registration_texts.aspredicted(found, stamp),
        "registered_report.html": render_to_string("reports/registered_report.html", context),
        "plan.json": json.dumps(
            {**frozen_plan.plan(study), "document": study.document}, ensure_ascii=False, indent=1, sort_keys=True
        )
        + "\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def time_stamp(study: Study) -> str:
    """What proves when, in a sentence: our own stamp is called so."""
    if study.frozen_at is None:
        preview = digest(launching.frozen(study))
        return (
            f"Not frozen yet: study {study.slug} version {study.version}, sha256 {preview} so far. Launch freezes it; "
            "a change before that gives another hash."
        )
    said = (
        f"Frozen {study.frozen_at:%Y-%m-%d %H:%M} UTC, sha256 {study.hash}: {study.slug} version {study.version}. "
        "This time stamp was made by the program itself, which proves nothing to others."
    )
    for one in frozen_plan.registrations(study):
        said += f" Registered as {one['kind']} {one['id']} (attached {one['attached_at'][:16].replace('T', ' ')} UTC)."
    return said


def attach(study: Study, *, osf: str = "", token: bytes = b"", user: User | None = None) -> dict[str, Any]:
    """Note an OSF id, or an RFC 3161 time-stamp token of the study's hash. Raises RegistrationError in words."""
    if not study.is_frozen:
        raise RegistrationError(f"{study} is not frozen: launch it first, so that there is a hash to register.")
    if osf:
        match = OSF.fullmatch(osf.strip())
        if not match:
            raise RegistrationError(f"“{osf}” is no OSF id; it should be five letters or digits, such as osf.io/ab1c2.")
        detail = {"kind": "OSF", "id": f"osf.io/{match[1].lower()}", "hash": study.hash}
    else:
        # A token is a signed structure in DER that holds the digest it stamps (RFC 3161, 2.4.2: messageImprint).
        if not token.startswith(b"\x30") or len(token) > LARGEST_TOKEN:
            raise RegistrationError("This is no RFC 3161 token; it should be a time-stamp reply in DER (.tsr or .tst).")
        if bytes.fromhex(study.hash) not in token:
            raise RegistrationError(
                f"The token stamps something else than this study's hash; ask for one of sha256 {study.hash}: "
                f"openssl ts -query -sha256 -digest {study.hash} -cert -out request.tsq"
            )
        text = base64.b64encode(token).decode()
        detail = {"kind": "RFC 3161 token", "id": f"sha256 {digest(text)[:16]}…", "hash": study.hash, "token": text}
    study.note(frozen_plan.REGISTERED, user, **detail)
    return detail


def _power(study: Study) -> PowerAnalysis | None:
    """The newest power analysis that is finished."""
    return PowerAnalysis.objects.filter(study=study, state=State.DONE).first()


def _simulated(study: Study, power: PowerAnalysis | None) -> dict[str, Any]:
    """The curve, and the primary analysis of one simulated study of the planned size."""
    if power is None:
        return {}
    plan, results = Plan(**power.plan), power.results
    size = plan.own[0] or results["verdict"]["participants"] or max(plan.participants)
    answers = example(plan, study.document, size, results["verdict"]["items"])
    finding = conclusions.analyse(tables.analysed(answers))[0]
    return {
        "curve": power_curve.curve(plan, results["cells"], results["ceilings"]),
        "finding": shown(finding),
        "size": size,
        "items": results["verdict"]["items"],
    }
