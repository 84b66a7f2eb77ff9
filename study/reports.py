"""A study's report: one HTML file that needs nothing else, results.json, and the data that they come from.

The numbers are computed from the files that are written beside them, so that a reader with the files has all there is.
"""

import json
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from study import bundle_metadata, conclusions, exports, provenance, report_pdf, tables
from study.analysis import Answers, Finding
from study.report_pages import page

from .models import Report, Study


def write(study: Study, folder: Path, *, with_pdf: bool = False) -> Report:
    """Analyse the answers and write index.html, results.json and the bundle into ``folder``; store the report.

    ``with_pdf`` writes report.pdf too; raises PdfError, before anything is written, where none can be made.
    """
    if with_pdf:
        report_pdf.check()
    folder.mkdir(parents=True, exist_ok=True)
    exports.bundle(study, folder)
    everything = tables.everything(folder)
    answers = tables.analysed(everything)
    findings = conclusions.analyse(answers)
    added = conclusions.supplemented(everything, findings)
    found = results(study, everything, findings, added)
    html = render_to_string("reports/report.html", page(study, everything, findings, added, found))
    text = json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")
    (folder / "index.html").write_text(html, encoding="utf-8")
    # An older report's PDF would be counted among this one's files.
    (folder / "report.pdf").unlink(missing_ok=True)
    if with_pdf:
        (folder / "report.pdf").write_bytes(report_pdf.render(html))
    bundle_metadata.write(folder)
    return Report.objects.create(study=study, results=found, html=html, is_simulated=found["simulated"])


def results(study: Study, everything: Answers, findings: list[Finding], added: list[Finding]) -> dict[str, Any]:
    """What results.json holds: the same numbers as the report, for programs."""
    return {
        "study": study.slug,
        "version": study.version,
        "document_hash": study.hash,
        "created_at": timezone.now().isoformat(timespec="seconds"),
        **conclusions.concluded(everything, findings, added),
        "software": provenance.software(),
    }
