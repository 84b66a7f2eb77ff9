"""Images: the gallery with labels, boxes and predictions, one image, and how new ones come in."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from attribution.models import Image, Network, SaliencyMap
from study.dashboard import browsing, predictions, thumbnails
from study.dashboard.access import page
from study.dashboard.forms.images import ImagesForm

IMAGES_A_PAGE = 24
KEPT = "private, max-age=31536000, immutable"  # an image's pixels never change


@page("GET")
def images(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("words", "").strip()
    found = Image.objects.filter(Q(name__icontains=words) | Q(label__icontains=words))
    networks = Network.objects.all()
    network = networks.filter(name=request.GET.get("network", "")).first() or networks.first()
    shown = Paginator(found, IMAGES_A_PAGE).get_page(request.GET.get("page"))
    known = predictions.for_images(network, list(shown)) if network else {}
    context = {
        "images": shown,
        "rows": [(image, known.get(image.pk)) for image in shown],
        "networks": networks,
        "network": network,
        "words": words,
    }
    return render(request, "dashboard/images.html", context)


@page("GET")
def image(request: HttpRequest, pk: int) -> HttpResponse:
    image = get_object_or_404(Image, pk=pk)
    networks = Network.objects.all()
    maps = SaliencyMap.objects.filter(image=image).select_related("network", "image").order_by("plugin", "pk")
    context = {
        "image": image,
        "predictions": [(network, predictions.for_images(network, [image]).get(pk)) for network in networks],
        "maps": browsing.cards(list(maps)),
    }
    return render(request, "dashboard/image.html", context)


@page("GET")
def image_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The stored image itself: researchers' images are not public."""
    image = get_object_or_404(Image, pk=pk)
    return FileResponse(image.file.open("rb"), content_type="image/png", headers={"Cache-Control": KEPT})


@page("GET")
def image_small(request: HttpRequest, pk: int) -> HttpResponse:
    image = get_object_or_404(Image, pk=pk)
    return HttpResponse(thumbnails.small(image), content_type="image/jpeg", headers={"Cache-Control": KEPT})


@page("GET", "POST")
def add_images(request: HttpRequest) -> HttpResponse:
    form = ImagesForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and (added := form.add()):
        there = len(added.images) - added.new
        words = f"{added.new} image{'s' * (added.new != 1)} added."
        if there:
            words += f" {there} {'were' if there > 1 else 'was'} there already and not stored again."
        messages.success(request, words)
        return redirect("dashboard:images")
    return render(request, "dashboard/add_images.html", {"form": form})
