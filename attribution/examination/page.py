"""The page of an examination: one HTML file with everything inside."""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from . import sections_of_maps as of_maps
from . import sections_of_visualizations as of_visualizations
from .results import Results, Section

ORDER = (
    of_visualizations.duality,
    of_visualizations.class_models,
    of_visualizations.softmax,
    of_maps.linearity,
    of_maps.influence,
    of_maps.saturation,
    of_visualizations.of_visualization,
    of_maps.cross_saliency,
    of_visualizations.editing,
    of_visualizations.score_gap,
    of_maps.people,
    of_maps.rules,
    of_maps.localisation,
    of_visualizations.regulariser,
    of_visualizations.restarts,
    of_visualizations.discrimination,
    of_maps.faithfulness,
)


def sections(found: Results) -> list[Section]:
    """The questions in the order of the critique, each answered as far as it can be."""
    made = [make(found) for make in ORDER]
    for section in made:
        if not section.answer:
            section.answer = "This could not be answered here" + (", for the reason below." if section.missing else ".")
    return made


def write(found: Results, provenance: Mapping[str, Any]) -> str:
    """The page's HTML."""
    asked = sections(found)
    for section in asked:  # drawn by `drawing`, which escapes every text
        section.figures = [(mark_safe(svg), caption) for svg, caption in section.figures]  # noqa: S308
    rows = found.plan.rows
    return render_to_string(
        "examination/page.html",
        {
            "network": found.plan.network,
            "sections": asked,
            "parameters": f"{found.plan.network.parameter_count:,}",
            "images": found.plan.images,
            "shown": [(found.photo(image), found.predictions[image.pk][0]) for image in found.plan.images[:8]],
            "index": found.label(found.plan.index),
            "level": found.plan.level,
            "seed": found.plan.seed,
            "rows": len(rows),
            "seconds": sum(getattr(row, "seconds", None) or 0 for row in rows),
            "provenance": provenance,
        },
    )
