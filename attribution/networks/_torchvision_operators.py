"""Let torchvision be imported where its compiled operators cannot be loaded.

PyPI's Linux wheel of torchvision is linked to CUDA. Beside a CPU build of torch its library does not load, and then
`import torchvision` stops at the first operator that it wants to describe. Classification needs neither of the two:
declaring their schemas is enough, and calling them stays an error.
"""

import importlib.util
from pathlib import Path

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_declared: list[torch.library.Library] = []  # a schema lives as long as the Library object that declared it


def declare() -> bool:
    """Declare what torchvision's import asks for, where its compiled operators are really absent; whether it was so."""
    if _declared:
        return True
    if _have_compiled():
        return False
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
    return True


def _have_compiled() -> bool:
    if hasattr(torch.ops.torchvision, "nms"):
        return True
    spec = importlib.util.find_spec("torchvision")  # finds the top-level package without importing it
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    for library in [path for folder in folders for path in folder.glob("_C.*") if path.suffix in (".so", ".pyd")]:
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except (ImportError, OSError):  # built for another torch, or for a CUDA that is not here
            continue
    return hasattr(torch.ops.torchvision, "nms")
