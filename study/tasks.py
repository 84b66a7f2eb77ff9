"""What the workers do for studies: move those along that wait for pictures, write reports, simulate power."""

import logging
import tempfile
from pathlib import Path

from attribution.attempts import failing_alone
from attribution.leases import Lease
from attribution.tasks import nudge, register

from . import preparation, withdrawal
from .models import PowerAnalysis, ReportRequest, Study

logger = logging.getLogger(__name__)


def advance_studies() -> None:
    """Move every study on whose pictures are being computed; one that cannot move on holds up no other."""
    for study in Study.objects.filter(state=Study.State.PREPARING):
        try:
            preparation.advance(study)
        except Exception:  # a study's own trouble, logged at every sweep until somebody sees to it
            logger.exception("The study %s cannot move on.", study)


def erase_expired_identities() -> None:
    """Erase recruiters' ids that are kept no longer than today; a failure is logged and holds up nothing."""
    try:
        withdrawal.erase_expired_identities()
    except Exception:
        logger.exception("Recruiters' ids whose time is over could not be erased; the next sweep tries again.")


def nudge_report(request: ReportRequest) -> None:
    """Queue the writing of a report that was asked for."""
    nudge([request])


def write_reports(lease: Lease) -> None:
    """Write the reports that were asked for."""
    from . import reports  # here, because it brings the numerical libraries, and every worker and page imports tasks

    for row in lease.rows:
        lease.progress(0)
        with failing_alone(lease, row), tempfile.TemporaryDirectory() as folder, lease.kept_alive():
            lease.finish(row, report=reports.write(row.study, Path(folder)))


register(ReportRequest, write_reports, needs="study.reports")


def simulate_power(lease: Lease) -> None:
    """Simulate the power analyses that were asked for."""
    from . import power

    for row in lease.rows:
        with failing_alone(lease, row):
            power.simulate(lease, row)


register(PowerAnalysis, simulate_power, needs="study.power")
