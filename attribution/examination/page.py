"""The page of an examination: one HTML file with everything inside."""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from .questions import (
    class_model,
    cross_saliency,
    discrimination,
    duality,
    editing,
    faithfulness,
    influence,
    instances,
    linearity,
    localisation,
    people,
    regulariser,
    rules,
    saliency_of_visualization,
    saturation,
    score_gap,
    softmax,
)
from .results import Results
from .section import Section

ORDER = (
    duality,
    class_model,
    softmax,
    linearity,
    influence,
    saturation,
    saliency_of_visualization,
    cross_saliency,
    editing,
    score_gap,
    people,
    rules,
    localisation,
    regulariser,
    instances,
    discrimination,
    faithfulness,
)


def sections(found: Results) -> list[Section]:
    """The questions in the order of the critique, each answered as far as it can be."""
    made = [question.ask(found) for question in ORDER]
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
