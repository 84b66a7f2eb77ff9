"""Blinded arms: until the blinding is lifted, live counts, exports and reports call conditions by codes.

Whoever decides about exclusions and models then does not know which condition gains by it (MacCoun & Perlmutter 2015,
doi 10.1038/526187a). The codes hang on the server's secret, so that the study's hash does not give them away.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.utils.crypto import salted_hmac

from attribution.models import digest

from .launching import StateError
from .models import Study
from .preregistration import declared

LIFTED = "lifted the blinding"
COLUMNS = ("condition", "arm", "winner", "loser", "first", "chosen")  # that may hold a condition's name


def is_blinded(study: Study) -> bool:
    """Whether conditions are coded: from launch until the blinding is lifted, where the document asks for it."""
    wanted = study.is_frozen and declared(study.document)["blind_arms"]
    return bool(wanted) and not study.auditentry_set.filter(action=LIFTED).exists()


def codes(study: Study) -> dict[str, str]:
    """Condition -> its code, A, B, ...; {} where nothing is blinded."""
    return every_code(study) if is_blinded(study) else {}


def every_code(study: Study) -> dict[str, str]:
    """Condition -> the code that it has, or had before the blinding was lifted."""
    names = [one["name"] for one in study.document["conditions"]]
    order = sorted(names, key=lambda name: salted_hmac("study.blinding", f"{study.hash}:{name}").hexdigest())
    return {name: _letters(place) for place, name in enumerate(order)}


def document(study: Study, whole: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The study document (or another version of it, ``whole``), whose conditions are coded and say nothing more."""
    found: dict[str, Any] = dict(study.document if whole is None else whole)
    known = codes(study)
    if not known:
        return found
    found["conditions"] = [
        {"name": code, "label": {"en": f"Condition {code}"}, "role": "treatment"} for code in sorted(known.values())
    ]
    found["are_conditions_coded"] = True
    found["analysis"] = _coded(found.get("analysis", {}), known)
    if found.get("preregistration"):
        found["preregistration"] = {**found["preregistration"], "forecasts": []}
    return found


def lift(study: Study, user: User | None = None) -> None:
    """Call the conditions by their names again; written down. Raises StateError unless the study is closed."""
    if not is_blinded(study):
        raise StateError(f"{study} is not blinded.")
    if study.state != Study.State.CLOSED:
        raise StateError(
            f"{study} is {study.state}; the blinding is lifted when it is closed, so that exclusions and model are "
            "locked and nobody new comes in."
        )
    locked = {key: digest(study.document.get(key)) for key in ("exclusions", "analysis")}
    study.note(LIFTED, user, hash=study.hash, **locked)


def _coded(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _coded(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [_coded(one, known) for one in value]
    return known.get(value, value) if isinstance(value, str) else value


def _letters(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"A{place}"
