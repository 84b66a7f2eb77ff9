"""What is shown: renderings of maps, visualizations and photos, made once and stored."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from attribution import rendering

from .computations import Computation, SaliencyMap, Visualization
from .inputs import Image, Network, unguessable
from .work import State, WorkQuerySet


def picture_path(picture: "Picture", filename: str) -> str:
    return unguessable("pictures", ".png")


SOURCES = {"saliency_map": SaliencyMap, "visualization": Visualization}


class PictureQuerySet(WorkQuerySet):
    def ready(self) -> Self:
        """Free pictures whose map or visualization is done, and those of all that they share a scale with."""
        waiting = _source_in(State.PENDING, State.RUNNING, State.FAILED)
        return super().ready().exclude(waiting | _scaled_with(waiting))

    def follow_sources(self) -> int:
        failed = _source_in(State.FAILED)
        changed = 0
        for picture in self.unfinished().filter(failed | _scaled_with(failed)).select_related(*SOURCES):
            source = picture.saliency_map or picture.visualization
            words = source.error if source and source.error else "a picture of the same scale failed"
            changed += self.filter(pk=picture.pk).update(
                state=State.FAILED, error=f"What it shows could not be computed: {words}", attempts=0, lease=""
            )
        untried = self.filter(state=State.FAILED, attempts=0).exclude(failed | _scaled_with(failed))
        return changed + self.filter(pk__in=list(untried.values_list("pk", flat=True)))._wait_again()

    def retry(self) -> int:
        """Let failed pictures wait again, and what they show with them."""
        failed = self.filter(state=State.FAILED)
        for name, model in SOURCES.items():
            model.objects.filter(pk__in=list(failed.values_list(name, flat=True))).retry()
        return self._wait_again()

    def _wait_again(self) -> int:
        return super().retry()


def _source_in(*states: State) -> Q:
    return Q(saliency_map__state__in=states) | Q(visualization__state__in=states)


def _scaled_with(condition: Q) -> Q:
    groups = Picture.objects.exclude(scale_group="").filter(condition).values("scale_group")
    return Q(scale_group__in=groups)


class Picture(Computation):
    """One rendering as PNG: of a map over its image, of one image of a visualization, or of an image as seen.

    ``plugin`` is the name of the display (``rendering.DISPLAYS``); ``image`` beside a map is the photo beneath it
    (another one for the control ``other_image``), alone it is the photo itself in the network's view.
    """

    saliency_map = models.ForeignKey(SaliencyMap, on_delete=models.PROTECT, null=True, blank=True)
    visualization = models.ForeignKey(Visualization, on_delete=models.PROTECT, null=True, blank=True)
    image = models.ForeignKey(Image, on_delete=models.PROTECT, null=True, blank=True)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, null=True, blank=True)  # whose view of the image
    index = models.PositiveIntegerField(default=0)  # which image of a visualization
    scale_group = models.CharField(max_length=64, blank=True)  # pictures scaled together; "" is each alone
    file = models.FileField(upload_to=picture_path, max_length=200, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)

    objects: ClassVar[Any] = PictureQuerySet.as_manager()

    class Meta(Computation.Meta):
        constraints = [
            models.CheckConstraint(
                name="picture_shows_something",
                condition=Q(saliency_map__isnull=False, visualization__isnull=True)
                | Q(saliency_map__isnull=True, visualization__isnull=False)
                | Q(saliency_map__isnull=True, visualization__isnull=True, image__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.plugin} of {self.saliency_map or self.visualization or self.image}"

    def complete(self) -> None:
        self.parameters = rendering.complete(self.plugin, self.parameters)
        self.version = rendering.VERSION

    @property
    def title(self) -> str:
        return self.plugin

    def depends_on(self) -> dict[str, Any]:
        return {
            "saliency_map": self.saliency_map.content_key if self.saliency_map else None,
            "visualization": self.visualization.content_key if self.visualization else None,
            "image": self.image.content_hash if self.image else None,
            "view": [self.network.view_resize, self.network.view_size] if self.network else None,
            "index": self.index,
            "scale_group": self.scale_group,
        }

    def signature(self) -> list[Any]:
        return [self.network_id, self.plugin]

    @property
    def url(self) -> str:
        """The picture's public address: unguessable, immutable, free of any meaning."""
        return f"{settings.MEDIA_URL}{self.file.name}"  # on this site, wherever it is stored: the pages' policy


def standard_pictures(row: SaliencyMap | Visualization) -> list[Picture]:
    """What a finished map or visualization is shown as where nobody asked for more: one picture an image."""
    if isinstance(row, SaliencyMap):
        return [Picture(plugin="overlay", saliency_map=row, image=row.image, network=row.network)]
    return [Picture(plugin="visualization", visualization=row, index=index) for index in range(row.count)]
