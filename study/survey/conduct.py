"""How a study conducts its sessions: feedback, gates and rests, as its document says."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from study import gates
from study.models import Participant, Study, Trial


@dataclass(frozen=True)
class Conduct:
    """What of a study's document every session needs: it is read once a process."""

    feedback: frozenset[str]  # the phases after whose answers it is told whether they are right
    gates: Mapping[str, gates.Gate]
    pause_every: int  # main presentations between two offered pauses; 0 is no pause


def conduct(participant: Participant) -> Conduct:
    frozen_at = participant.study.frozen_at
    return _kept_conduct(participant.study_id, frozen_at) if frozen_at else _read_conduct(participant.study_id)


def _read_conduct(study: int) -> Conduct:
    document = Study.objects.values_list("document", flat=True).get(pk=study)
    phases = (Trial.Phase.PRACTICE, Trial.Phase.TRAINING)
    return Conduct(
        frozenset(phase for phase in phases if document.get(phase, {}).get("feedback")),
        gates.gates_of(document),
        document.get("breaks", {}).get("every", 0),
    )


@functools.lru_cache(maxsize=1024)
def _kept_conduct(study: int, frozen_at: datetime) -> Conduct:
    return _read_conduct(study)


def within_gate(participant: Participant, upcoming: list[Trial]) -> list[Trial]:
    """Those of the next trials that may be seen now: what lies behind a gate is not known before it is settled."""
    if not upcoming or gate_of(participant, upcoming[0]) is None:
        return upcoming
    here = (upcoming[0].phase, upcoming[0].attempt)
    return [trial for trial in upcoming if (trial.phase, trial.attempt) == here]


def gate_of(participant: Participant, trial: Trial) -> gates.Gate | None:
    """The gate that this trial is part of, if any."""
    return conduct(participant).gates.get(trial.phase) if trial.phase in gates.PHASES else None
