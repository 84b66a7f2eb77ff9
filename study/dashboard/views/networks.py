"""Networks: which there are, what one of them says of the images, and how a new one comes in."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from attribution import plugins
from attribution.models import Image, Measurement, Network, NetworkUpload, State
from study.dashboard import orders, predictions
from study.dashboard.access import page
from study.dashboard.following import page_or_part
from study.dashboard.forms.networks import NetworkForm, kinds
from study.dashboard.forms.parameters import ParametersForm

IMAGES_A_PAGE = 24


@page("GET")
def networks(request: HttpRequest) -> HttpResponse:
    context = {
        "networks": [(network, *predictions.right_and_wrong(network)) for network in Network.objects.all()],
        "uploads": NetworkUpload.objects.exclude(state=State.DONE).order_by("-created_at"),
    }
    return render(request, "dashboard/networks.html", context)


@page("GET")
def network(request: HttpRequest, name: str) -> HttpResponse:
    network = get_object_or_404(Network, name=name)
    images = Paginator(predictions.labelled_first(), IMAGES_A_PAGE).get_page(request.GET.get("page"))
    known = predictions.for_images(network, list(images))
    right, wrong = predictions.right_and_wrong(network)
    context = {
        "network": network,
        "images": images,
        "rows": [(image, known.get(image.pk)) for image in images],
        "right": right,
        "wrong": wrong,
        "labelled": right + wrong,
    }
    return render(request, "dashboard/network.html", context)


@page("GET", "POST")
def add_network(request: HttpRequest) -> HttpResponse:
    plugin = request.GET.get("plugin", "torchvision")
    if plugin not in plugins.names("attribution.networks"):
        return redirect("dashboard:add_network")
    data = request.POST if request.method == "POST" else None
    form = NetworkForm(data, request.FILES or None)
    parameters = ParametersForm("attribution.networks", plugin, data)
    if request.method == "POST" and form.is_valid() & parameters.is_valid():
        upload = form.upload(plugin, parameters.complete)
        orders.send([upload])
        return redirect("dashboard:upload", upload.pk)
    context = {"form": form, "parameters": parameters, "kinds": kinds(), "plugin": plugin}
    return render(request, "dashboard/add_network.html", context)


@page("GET", "POST")
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """How the check of a checkpoint goes; a refused one can be removed from the list."""
    upload = get_object_or_404(NetworkUpload, pk=pk)
    if request.method == "POST" and upload.state == State.FAILED:
        upload.file.delete(save=False)
        upload.delete()
        messages.success(request, f"The refused checkpoint {upload.file_name} is removed.")
        return redirect("dashboard:networks")
    return page_or_part(request, "dashboard/upload.html", "dashboard/upload_progress.html", {"upload": upload})


@page("POST")
def predict(request: HttpRequest, name: str) -> HttpResponse:
    """Ask the workers what a network says of every image."""
    network = get_object_or_404(Network, name=name)
    rows = orders.send(Measurement.predictions(network, list(Image.objects.all())))
    waiting = sum(row.is_unfinished for row in rows)
    words = f"The workers have {waiting} predictions to make." if waiting else "All predictions are there already."
    messages.success(request, words)
    return redirect("dashboard:network", network.name)
