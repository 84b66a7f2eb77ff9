"""What a report adds to the declared analyses: the main comparison in other units and by other rules; reliability."""

from study.analysis import Answers, Finding
from study.supplements.compared import comparison
from study.supplements.reliability import reliability
from study.supplements.scales import scales
from study.supplements.sensitivity import sensitivity


def supplements(answers: Answers) -> list[Finding]:
    """Those that the answers and the document's primary analysis allow."""
    found: list[Finding] = []
    if made := comparison(answers):
        found += [scales(made), sensitivity(made)]
    return found + reliability(answers)
