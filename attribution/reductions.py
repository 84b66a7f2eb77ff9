"""From three colours to one number a pixel: the reduction that a map names."""

from torch import Tensor

REDUCTIONS = ("max_abs", "sum_abs", "l2", "sum", "signed")


def reduce_colours(values: Tensor, reduction: str) -> Tensor:
    """(N, 3, H, W) -> (N, 1, H, W); ``signed`` keeps (N, 3, H, W). Raises ValueError for another name.

    ``max_abs`` is Simonyan et al. 2013; ``sum_abs`` and ``l2`` are the L1 and L2 norms; ``sum`` adds signed values.
    """
    if reduction == "max_abs":
        return values.abs().amax(dim=1, keepdim=True)
    if reduction == "sum_abs":
        return values.abs().sum(dim=1, keepdim=True)
    if reduction == "l2":
        return values.square().sum(dim=1, keepdim=True).sqrt()
    if reduction == "sum":
        return values.sum(dim=1, keepdim=True)
    if reduction == "signed":
        return values
    raise ValueError(f"There is no reduction “{reduction}”; there are: {', '.join(REDUCTIONS)}.")
