"""Static files under names that hold their hash, also where one of our modules imports another."""

from typing import Any

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORTS: Any = vars(HashedFilesMixin)["_js_module_import_aggregation_patterns"]


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise declares no types
    """Rewrites ``import`` in the survey's module, so that a cached page never meets another version's module."""

    support_js_module_import_aggregation = True
    # Only ours, by its path within its own folder: django_htmx imports a file that it does not bring along.
    _js_module_import_aggregation_patterns = ("survey.js", IMPORTS[1])
