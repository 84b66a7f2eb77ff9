"""Agreement of influences.

What is influence? Its definitions answer differently: the derivative, a finite change, a share of variance. Spearman's
correlations between the maps of each two definitions, over cells of the image; a definition that agrees with none is
about something else. The question is that of the disagreement problem (Krishna et al. 2022,
https://arxiv.org/abs/2202.01602).
"""

from collections.abc import Sequence
from itertools import combinations

from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import answers, each_network, images_of, run_of, with_summaries
from attribution.diagnostics._intervals import ALIKE
from attribution.diagnostics._similarity import pooled, rank_correlation

VERSION = 2


def measure(
    subject: Subject,
    *,
    seed: int,
    methods: Sequence[str] = ("gradient", "gradient_input", "occlusion", "smoothgrad_squared"),
    cells: int = 16,
) -> list[Row]:
    """A row for each image and pair of maps (``one``, ``other``): ``correlation``; ``image`` None is their mean.

    Stored maps are compared where there are any, else those of ``methods``; absolute values, averaged over a grid of
    ``cells`` a side (0: pixels), so that a coarse method is not blamed for its grid.
    """
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        maps: dict[str, Tensor] = dict(subject.maps)
        if not maps:
            images = images_of(subject)
            targets = answers(network, images)
            for number, method in enumerate(methods):
                maps[method] = run_of(subject)(
                    "methods", method, network=network, images=images, targets=targets, seed=seed
                )
                told((number + 1) / len(methods))
        if len(maps) < 2:
            raise ValueError("Definitions of influence are compared in pairs: at least two maps an image are needed.")
        for one, other in combinations(maps, 2):
            found = rank_correlation(pooled(maps[one], cells), pooled(maps[other], cells)).tolist()
            rows += [
                {
                    "network": name,
                    "one": one,
                    "other": other,
                    "image": subject.image_names[image],
                    "cells": cells,
                    "correlation": value,
                }
                for image, value in enumerate(found)
            ]
    return with_summaries(rows, ("network", "one", "other", "cells"), {"correlation": ALIKE}, seed=seed)
