"""Studies: which there are, new ones, and one study's page with all that can be done with it."""

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from attribution import plugins
from attribution.models import Network
from study.dashboard import bundles, following, overview
from study.dashboard.access import open_study, page, signed_in
from study.dashboard.forms.protocols import ProtocolForm
from study.dashboard.forms.studies import DocumentForm, RecruitmentForm
from study.models import Study
from study.registration import RegistrationError

STUDIES_A_PAGE = 50


@page("GET")
def studies(request: HttpRequest) -> HttpResponse:
    found = Paginator(Study.objects.visible_to(signed_in(request)), STUDIES_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "dashboard/studies.html", {"studies": found, "rows": overview.completed(list(found))})


@page("GET", "POST")
def new_study(request: HttpRequest) -> HttpResponse:
    """From a protocol: a form of its parameters makes the document."""
    names = plugins.names("study.protocols")
    name = request.GET.get("protocol", names[0])
    if name not in names:
        return redirect("dashboard:new_study")
    form = ProtocolForm(name, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and (study := form.add(signed_in(request))):
        return redirect("dashboard:study", study.slug, study.version)
    protocols = [plugins.describe("study.protocols", each) for each in names]
    context = {
        "form": form,
        "protocols": protocols,
        "protocol": name,
        "document_form": DocumentForm(),
        "has_network": Network.objects.exists(),
    }
    return render(request, "dashboard/new_study.html", context)


@page("POST")
def upload_study(request: HttpRequest) -> HttpResponse:
    """From a document of one's own."""
    form = DocumentForm(request.POST, request.FILES)
    if form.is_valid() and (study := form.add(signed_in(request))):
        return redirect("dashboard:study", study.slug, study.version)
    return render(request, "dashboard/upload_study.html", {"document_form": form})


@page("GET")
def study(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    opened = open_study(request, slug, version)
    study = opened.study
    context = {
        "opened": opened,
        "study": study,
        "conditions": overview.conditions(study),
        "recruitments": overview.recruitments(request, study),
        "recruitment_form": RecruitmentForm(study),
        "versions": Study.objects.filter(slug=slug).exclude(pk=study.pk).visible_to(signed_in(request)),
        **overview.live(study),
    }
    return render(request, "dashboard/study.html", following.marked(request, "dashboard/study_live.html", context))


@page("GET")
def live(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """The part of a study's page that follows its preparation, participants and reports."""
    opened = open_study(request, slug, version)
    context = {"opened": opened, "study": opened.study, **overview.live(opened.study)}
    if request.GET.get("was") == "preparing" and not context["is_preparing"]:  # the conditions have pictures now
        context |= {"are_news": True, "conditions": overview.conditions(opened.study)}
    return following.part(request, "dashboard/study_live.html", context)


@page("GET")
def document(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    opened = open_study(request, slug, version)
    context = {"opened": opened, "study": opened.study, **overview.document(opened.study)}
    return render(request, "dashboard/document.html", context)


@page("GET")
def preregistration(request: HttpRequest, slug: str, version: int) -> HttpResponseBase:
    """The plan as texts to be registered, as one archive."""
    study = open_study(request, slug, version).study
    try:
        packed = bundles.preregistration(study)
    except RegistrationError as error:
        raise Http404(str(error)) from error
    return FileResponse(packed, as_attachment=True, filename=f"{study.slug}-v{study.version}-preregistration.zip")


@page("GET")
def audit(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    opened = open_study(request, slug, version)
    context = {"opened": opened, "study": opened.study, "entries": opened.study.auditentry_set.all()[:500]}
    return render(request, "dashboard/audit.html", context)
