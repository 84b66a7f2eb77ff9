"""What is taken along: a finished report as a page of its own, and with its data as an archive; a preregistration."""

import base64
import hashlib
import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from study import bundle_metadata, exports, frozen_plan, registration
from study.models import Report, Study

STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)


def policy(html: str) -> str:
    """The Content-Security-Policy of a report: nothing runs, nothing is fetched, its own styles by their hashes."""
    hashes = " ".join(f"'sha256-{_hash(style)}'" for style in STYLE.findall(html)) or "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src {hashes}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def archive(report: Report) -> IO[bytes]:
    """A zip of the report as it was written, with the data of its study as they are now; made on disk.

    Where answers came in or were withdrawn since, its ``reproduce.py verify`` says which numbers they change.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exports.bundle(report.study, folder, frozen_plan.plan(report.study, report))
        (folder / "index.html").write_text(report.html, encoding="utf-8")
        (folder / "results.json").write_text(
            json.dumps(report.results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        bundle_metadata.write(folder)
        return _zipped(folder)


def preregistration(study: Study) -> IO[bytes]:
    """A zip of the plan as texts for OSF and AsPredicted and as a registered report, as ``preregister`` writes it.

    Raises RegistrationError for a study that was answered elsewhere.
    """
    with tempfile.TemporaryDirectory() as name:
        registration.write(study, Path(name))
        return _zipped(Path(name))


def _zipped(folder: Path) -> IO[bytes]:
    packed = tempfile.TemporaryFile()  # noqa: SIM115  closed by the response that sends it
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            archive.write(path, path.relative_to(folder))
    packed.seek(0)
    return packed


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
