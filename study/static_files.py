"""Static files under names that hold their hash, also where one of our modules imports another."""

from typing import Any

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORTS: Any = vars(HashedFilesMixin)["_js_module_import_aggregation_patterns"]
MODULES = ("survey.js", "later.js", "regions.js", "region_view.js")


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise declares no types
    """Rewrites ``import`` in the survey's modules, so that a cached page never meets another version's module."""

    # Only ours, by their path within their own folder: django_htmx imports a file that it does not bring along.
    patterns = HashedFilesMixin.patterns + tuple((name, IMPORTS[1]) for name in MODULES)
