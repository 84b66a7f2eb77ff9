"""What there is, and what to do next: the home page's numbers and steps."""

from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse

from attribution.models import Image, Measurement, Network, Picture, SaliencyMap, State, Visualization
from study.models import Participant, Report, Study


@dataclass(frozen=True)
class Step:
    """One thing on the way from a network to a report."""

    title: str
    words: str
    action: str
    address: str
    is_done: bool
    is_next: bool = False


def steps(user: User) -> list[Step]:
    """The way from a network to a report, as far as this person has come; the first that is not done is the next."""
    studies = Study.objects.visible_to(user)
    launched = studies.filter(frozen_at__isnull=False)
    latest = studies.order_by("-created_at").first()
    study = reverse("dashboard:study", args=[latest.slug, latest.version]) if latest else reverse("dashboard:studies")
    way = [
        Step(
            "Add a network",
            "A checkpoint of an image classifier; a worker checks it without running any code in it.",
            "Add a network",
            reverse("dashboard:add_network"),
            Network.objects.exists(),
        ),
        Step(
            "Add images",
            "Photos or scenes, with labels and boxes where you have them.",
            "Add images",
            reverse("dashboard:add_images"),
            Image.objects.exists(),
        ),
        Step(
            "Look at the network’s reasons",
            "Saliency maps of your images and visualizations of its classes, computed by the workers.",
            "Order pictures",
            reverse("dashboard:choose"),
            SaliencyMap.objects.exists() or Visualization.objects.exists(),
        ),
        Step(
            "Make a study",
            "From a protocol, or from a study document of your own.",
            "Make a study",
            reverse("dashboard:new_study"),
            studies.exists(),
        ),
        Step(
            "Try it and launch it",
            "Take it yourself first. Launching freezes what is shown and gives the link for participants.",
            "Open the study",
            study,
            launched.exists(),
        ),
        Step(
            "Read the report",
            "What the answers say, with intervals, exclusions and everything needed to check them.",
            "Open the study",
            study,
            Report.objects.filter(study__in=studies).exists(),
        ),
    ]
    following = next((step for step in way if not step.is_done), None)
    return [replace(step, is_next=step is following) for step in way]


def numbers(user: User) -> dict[str, Any]:
    """How much there is, and what the workers are busy with."""
    studies = Study.objects.visible_to(user)
    kinds = (SaliencyMap, Visualization, Measurement, Picture)
    return {
        "networks": Network.objects.count(),
        "images": Image.objects.count(),
        "pictures": SaliencyMap.objects.count() + Visualization.objects.count(),
        "studies": studies.count(),
        "persons": Participant.objects.filter(
            Q(state=Participant.State.COMPLETED), study__in=studies, origin=Participant.Origin.PERSON
        ).count(),
        "waiting": sum(kind._default_manager.unfinished().count() for kind in kinds),
        "failed": sum(kind._default_manager.filter(state=State.FAILED).count() for kind in kinds),
    }
