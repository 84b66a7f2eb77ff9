"""Computed pictures: saliency maps and visualizations, where their computing stands, and how they are ordered."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from attribution import plugins
from attribution.models import Network, OfNetwork, Picture, State
from study.dashboard import browsing, curves, orders
from study.dashboard.access import page
from study.dashboard.following import page_or_part
from study.dashboard.forms.parameters import ParametersForm
from study.dashboard.forms.pictures import FORMS, KINDS, menu

PICTURES_A_PAGE = 24


@page("GET")
def pictures(request: HttpRequest) -> HttpResponse:
    chosen = browsing.Filters.read(request.GET)
    rows = browsing.found(chosen)
    shown = Paginator(rows, PICTURES_A_PAGE).get_page(request.GET.get("page"))
    cards = browsing.cards(list(shown))
    context = {
        "pictures": shown,
        "cards": cards,
        "is_undrawn": any(card.is_undrawn for card in cards),
        "chosen": chosen,
        "kinds": list(KINDS),
        "networks": Network.objects.all(),
        "plugins": plugins.names(f"attribution.{chosen.kind}"),
        "states": State.values,
        "progress": browsing.progress(rows),
    }
    return page_or_part(request, "dashboard/pictures.html", "dashboard/pictures_found.html", context)


@page("GET")
def picture(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    row = _computed(kind, pk)
    shown = Picture.objects.filter(**{browsing.LINK[kind]: row}).order_by("plugin", "index")
    context = {
        "row": row,
        "kind": kind,
        "pictures": shown,
        "facts": browsing.facts(row),
        "drawings": curves.drawings(getattr(row, "curves", {})),
        "has_failed": State.FAILED in {row.state, *(each.state for each in shown)},
        "is_unfinished": row.is_unfinished or any(each.is_unfinished for each in shown),
    }
    return page_or_part(request, "dashboard/picture.html", "dashboard/picture_progress.html", context)


@page("POST")
def retry(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Let a failed computation, and its failed renderings, be tried again."""
    row = _computed(kind, pk)
    orders.send([row])
    orders.send(list(Picture.objects.filter(**{browsing.LINK[kind]: row}, state=State.FAILED)))
    messages.success(request, "What failed waits for a worker again.")
    return redirect("dashboard:picture", kind, pk)


@page("GET")
def choose(request: HttpRequest) -> HttpResponse:
    """What can be ordered."""
    return render(request, "dashboard/choose.html", {"menu": menu(), "has_network": Network.objects.exists()})


@page("GET", "POST")
def order(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    if kind not in KINDS or name not in plugins.names(f"attribution.{kind}"):
        return redirect("dashboard:choose")
    data = request.POST if request.method == "POST" else None
    given = {key: request.GET[key] for key in ("network", "images") if key in request.GET}
    form = FORMS[kind](plugins.describe(f"attribution.{kind}", name), data, initial=given)
    parameters = ParametersForm(f"attribution.{kind}", name, data)
    if request.method == "POST" and form.is_valid() & parameters.is_valid():
        rows = orders.send(form.rows(name, parameters.complete))
        messages.success(request, browsing.ordered_words(rows))
        return redirect(browsing.address(kind, name, form.cleaned_data["network"].name))
    context = {
        "form": form,
        "parameters": parameters,
        "has_network": Network.objects.exists(),
        "kind": kind,
        "name": name,
    }
    return render(request, "dashboard/order.html", context)


@page("GET")
def cost(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """What one picture costs with the parameters as they stand in the form; nothing while these cannot be used."""
    if kind not in KINDS or name not in plugins.names(f"attribution.{kind}"):
        raise Http404
    parameters = ParametersForm(f"attribution.{kind}", name, request.GET)
    network = Network.objects.filter(name=request.GET.get("network", "")).first()
    words = ""
    if network is not None and parameters.is_valid():
        words = browsing.cost_words(kind, name, parameters.complete, network)
    return render(request, "dashboard/cost.html", {"words": words})


def _computed(kind: str, pk: int) -> OfNetwork:
    if kind not in KINDS:
        raise Http404
    row: OfNetwork = get_object_or_404(KINDS[kind]._default_manager.select_related("network"), pk=pk)
    return row
