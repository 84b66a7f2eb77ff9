"""A report's page as PDF: the page's own print style, laid out by WeasyPrint (the extra ``pdf``) with Pango."""

import logging
from importlib.util import find_spec

MISSING = (
    "A PDF needs the extra pdf and Pango, which are not both here: "
    'pip install -c constraints.txt -e ".[pdf]" and apt-get install libpango-1.0-0 libpangoft2-1.0-0 '
    "libharfbuzz-subset0. The page itself prints well from a browser."
)

# It logs each step, and each declaration that only browsers know.
logging.getLogger("weasyprint").setLevel(logging.ERROR)
logging.getLogger("weasyprint.progress").setLevel(logging.ERROR)
logging.getLogger("fontTools").setLevel(logging.ERROR)


class PdfError(RuntimeError):
    """No PDF can be made here; the message says what is missing."""


def is_offered() -> bool:
    """Whether WeasyPrint is installed; what it needs from the system shows when it is loaded, which takes a while."""
    return find_spec("weasyprint") is not None


def check() -> None:
    """Raise PdfError where WeasyPrint or Pango is missing."""
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        raise PdfError(f"{MISSING} ({error})") from error


def render(html: str) -> bytes:
    """The PDF of a report's page: tagged for screen readers, the same bytes for the same page; fetches nothing.

    Raises PdfError where WeasyPrint or Pango is missing.
    """
    check()
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    page = HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=("data",)))
    return bytes(page.write_pdf(pdf_variant="pdf/ua-1"))
