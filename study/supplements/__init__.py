"""What a report adds to the declared analyses: the main comparison in other units and by other rules; reliability."""

from collections.abc import Sequence

from study.analysis import Answers, Finding
from study.supplements.compared import comparison
from study.supplements.family import family
from study.supplements.forecasts import forecasts
from study.supplements.looks import looks
from study.supplements.losses import losses
from study.supplements.multiverse import multiverse
from study.supplements.reliability import reliability
from study.supplements.scales import scales
from study.supplements.sensitivity import sensitivity


def supplements(answers: Answers) -> list[Finding]:
    """Those that the answers and the document's primary analysis allow."""
    found: list[Finding] = []
    if made := comparison(answers):
        found += [scales(made), sensitivity(made)]
    return found + reliability(answers)


def planned(everything: Answers, answers: Answers, findings: Sequence[Finding]) -> list[Finding]:
    """Those that look beyond who is analysed: at the plan, other decisions, and who was lost."""
    return [
        *looks(everything),
        *family(everything, findings),
        *multiverse(everything),
        *losses(everything, answers),
        *forecasts(everything, answers),
    ]
