"""What the answers say: reports are asked for, read, and taken along with everything needed to check them."""

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

import study.tasks  # noqa: F401  registers the reports among what is nudged
from study import exports, report_pdf
from study.dashboard import bundles, orders
from study.dashboard.access import open_study, page, signed_in
from study.models import Membership, Report, ReportRequest


@page("POST")
def make_report(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    study = open_study(request, slug, version, needs=Membership.Role.EDITOR).study
    orders.send([ReportRequest.ask(study, signed_in(request))])
    messages.success(request, "A worker writes the report; it appears on this page.")
    return redirect("dashboard:study", slug, version)


@page("GET")
def report(request: HttpRequest, slug: str, version: int, pk: int) -> HttpResponse:
    """The report as it was written: one file, whose own style is the only one its policy lets in."""
    study = open_study(request, slug, version).study
    report = get_object_or_404(Report, pk=pk, study=study)
    return HttpResponse(report.html, headers={"Content-Security-Policy": bundles.policy(report.html)})


@page("GET")
def report_as_pdf(request: HttpRequest, slug: str, version: int, pk: int) -> HttpResponse:
    """The same page for printing; 503 with what is missing where no PDF can be made."""
    study = open_study(request, slug, version).study
    report = get_object_or_404(Report, pk=pk, study=study)
    try:
        content = report_pdf.render(report.html)
    except report_pdf.PdfError as error:
        return HttpResponse(str(error), status=503, content_type="text/plain; charset=utf-8")
    name = f"{study.slug}-v{study.version}-report-{report.pk}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


@page("GET")
def bundle(request: HttpRequest, slug: str, version: int, pk: int) -> HttpResponseBase:
    """The report and its data as one archive."""
    study = open_study(request, slug, version).study
    report = get_object_or_404(Report, pk=pk, study=study)
    name = f"{study.slug}-v{study.version}-report-{report.pk}.zip"
    return FileResponse(bundles.archive(report), as_attachment=True, filename=name)


@page("GET")
def responses(request: HttpRequest, slug: str, version: int) -> HttpResponseBase:
    """Every response as CSV, sent while it is read."""
    study = open_study(request, slug, version).study
    name = f"{study.slug}-v{study.version}-responses.csv"
    return StreamingHttpResponse(
        exports.responses(study),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
