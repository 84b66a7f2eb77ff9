"""How many participants and items does a study need? Asked once, simulated by a worker, cell after cell.

Finished cells are stored as they come: a worker that dies is followed by another, which goes on with the next.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from attribution.leases import Lease, LostLeaseError, patiently
from attribution.models import State, digest
from study import frames, power_curve, power_data, power_simulation, power_verdict
from study.document import item_names
from study.power_plan import Plan, PowerError, plan
from study.supplements.primary import VALUES

from .models import PowerAnalysis, Study


def ask(study: Study, user: User | None = None, *, like: Study | None = None, **given: Any) -> PowerAnalysis:
    """The power analysis of a study under ``given`` assumptions: a new one, or the same one asked before.

    ``like``: a pilot's, a simulated or an imported study, whose means and SDs are then assumed. Raises PowerError.
    """
    if like is not None:
        given = {**given, **_like(study, like, given)}
    made = plan(study.document, _items(study, given), **given).as_json()
    key = digest(made)
    row, is_new = PowerAnalysis.objects.get_or_create(
        study=study, key=key, defaults={"plan": made, "user": user.get_username() if user else ""}
    )
    if is_new:
        study.note("asked for a power analysis", user, key=key)
    elif row.state == State.FAILED:
        PowerAnalysis.objects.filter(pk=row.pk).retry()
        row.refresh_from_db()
    return row


def simulate(lease: Lease, row: PowerAnalysis, shown: Callable[[float], None] = lambda fraction: None) -> None:
    """Simulate what is missing of a row of the lease; ``shown`` is told the fraction that is done."""
    made, done = Plan(**row.plan), list(row.cells)
    held = PowerAnalysis.objects.filter(pk=row.pk, lease=lease.key, state=State.RUNNING)

    def progress(fraction: float) -> None:
        lease.progress(fraction)
        shown(fraction)

    def finished(cell: dict[str, Any]) -> None:
        done.append(cell)
        if not patiently(lambda: held.update(cells=done)):
            raise LostLeaseError

    cells = power_simulation.compute(made, done, finished=finished, progress=progress)
    tops = power_simulation.ceilings(made)
    # The curve is drawn here, so that the page that shows it needs no numerical libraries.
    results = {**power_verdict.results(made, cells, tops), "curve": power_curve.curve(made, cells, tops)}
    lease.finish(row, results=results)


def write(results: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write power.json, power.csv and power.svg into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    made, cells, tops = Plan(**results["plan"]), results["cells"], results["ceilings"]
    paths = [folder / f"power.{ending}" for ending in ("json", "csv", "svg")]
    kept = {key: value for key, value in results.items() if key != "curve"}
    paths[0].write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    with paths[1].open("w", encoding="utf-8", newline="") as file:
        file.writelines(power_verdict.table(made, cells, tops))
    paths[2].write_text(power_curve.curve(made, cells, tops) + "\n", encoding="utf-8")
    return paths


def _items(study: Study, given: Mapping[str, Any]) -> int:
    """How many items the study has: those chosen, or those that the document names."""
    if count := study.item_set.filter(is_training=False).count():
        return count
    items = study.document.get("items", {})
    if items.get("classes"):
        return len(item_names(items))
    if given.get("items"):
        return int(given["items"][0])
    raise PowerError("Its images are not chosen yet: prepare the study first, or say how many items.")


def _like(study: Study, like: Study, given: Mapping[str, Any]) -> dict[str, Any]:
    """Means and SDs of another study's answers; what ``given`` says itself stays."""
    value = VALUES.get(study.document["analysis"]["primary"], "correct")
    answers, _, _ = frames.answers(like)
    if answers.responses.empty:
        raise PowerError(f"{like} has no answers to learn from.")
    names = [one.name for one in answers.conditions if one.name in set(answers.responses["condition"])]
    if len(names) < 2:
        raise PowerError(f"{like} has answers under {len(names)} condition; SDs need two.")
    means, spread = power_data.estimated(answers, value, names[0], names[1])
    mine = {one["name"] for one in study.document.get("conditions", [])}
    return {
        "spread": {**spread, **(given.get("spread") or {})},
        "means": {**{name: mean for name, mean in means.items() if name in mine}, **(given.get("means") or {})},
        "source": f"estimated from {like}{', whose participants are simulated' if answers.is_simulated else ''}",
    }
