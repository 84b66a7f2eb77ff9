"""A look at what is stored and where computing stands. Rows are made by commands, pages and workers, never here."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from .models import Image, Measurement, Network, NetworkUpload, Picture, SaliencyMap, Visualization, Worker

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
else:
    Admin = admin.ModelAdmin


class ReadOnly(Admin):
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Network)
class NetworkAdmin(ReadOnly):
    list_display = ["name", "architecture", "parameter_count", "plugin", "created_at"]


@admin.register(Image)
class ImageAdmin(ReadOnly):
    list_display = ["name", "label", "width", "height", "source", "licence"]
    search_fields = ["name", "label"]


@admin.register(SaliencyMap, Visualization, Measurement, Picture, NetworkUpload)
class WorkAdmin(ReadOnly):
    list_display = ["__str__", "plugin", "state", "progress", "attempts", "error", "seconds", "finished_at"]
    list_filter = ["state", "plugin"]

    def get_queryset(self, request: HttpRequest) -> Any:
        relations = [field.name for field in self.model._meta.fields if field.is_relation]
        return super().get_queryset(request).select_related(*relations)


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    list_display = ["name", "pid", "host", "started_at", "seen_at"]
