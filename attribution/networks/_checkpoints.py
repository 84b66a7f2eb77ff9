"""Checkpoints are untrusted files: only tensors are ever read from them, and every refusal is a sentence."""

import hashlib
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from attribution.networks import NetworkError

State = dict[str, Tensor]

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")  # where training scripts put the state dict
PREFIXES = ("module.", "_orig_mod.", "model.")  # DataParallel, torch.compile, Lightning
SAVE_AS = "Save its weights with torch.save(model.state_dict(), …) or as safetensors."


def read_state(path: str | Path) -> State:
    """The tensors of a .safetensors or .pth file by name, unwrapped, on the CPU; raises NetworkError, runs no code."""
    path = Path(path)
    if not path.is_file():
        raise NetworkError(f"There is no checkpoint file {path}.")
    with path.open("rb") as file:
        start = file.read(16)
    is_safetensors = path.suffix == ".safetensors" or start[8:9] == b"{"
    content = _read_safetensors(path) if is_safetensors else _read_pickle(path)
    state = _strip(_unwrap(content, path.name))
    for name, tensor in state.items():
        if tensor.layout != torch.strided or tensor.is_quantized:
            raise NetworkError(f"{path.name}: {name} is a sparse or quantised tensor; a dense one is needed.")
        # A stride of 0 lets a tiny file claim a tensor larger than the memory.
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise NetworkError(f"{path.name}: {name} claims {tensor.numel():,} numbers that the file does not hold.")
    return state


def write_state(state: Mapping[str, Tensor], path: str | Path) -> None:
    """Write a state dict as safetensors, which cannot hold code; the weights' hash stays the same."""
    save_file({name: state[name].clone(memory_format=torch.contiguous_format) for name in sorted(state)}, str(path))


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """sha256 over the sorted names, dtypes, shapes and bytes: one hash for the same weights in any kind of file."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().to("cpu").contiguous()
        digest.update(f"{name}\0{str(tensor.dtype).removeprefix('torch.')}\0{list(tensor.shape)}\0".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()


def fit(model: nn.Module, state: Mapping[str, Tensor], *, name: str, checkpoint: str) -> None:
    """Load ``state`` into ``model`` (also one on the meta device), as float32; NetworkError says what disagrees."""
    expected = model.state_dict()
    # Checkpoints older than torch 0.4.1 have no counter of batches; batch normalisation makes its own.
    missing = [key for key in expected if key not in state and not key.endswith("num_batches_tracked")]
    unknown = [key for key in state if key not in expected]
    shapes = [
        f"{key} is {_shape(state[key])} instead of {_shape(expected[key])}"
        for key in expected
        if key in state and state[key].shape != expected[key].shape
    ]
    if missing or unknown or shapes:
        parts = [_some("it lacks", missing), _some("it has no place for", unknown), _some("", shapes)]
        raise NetworkError(
            f"{checkpoint} is not a checkpoint of {name}: {'; '.join(part for part in parts if part)}. "
            "Name the architecture that was trained."
        )
    broken = [key for key, tensor in state.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise NetworkError(f"{checkpoint}: {_some('', broken)} holds numbers that are not finite.")
    # Filled in place: it keeps the layers' versions, which MNASNet asks for and safetensors cannot hold.
    for key in expected:
        tensor = state.get(key, torch.zeros((), dtype=torch.long))
        expected[key] = tensor.float() if tensor.is_floating_point() else tensor
    model.load_state_dict(expected, strict=True, assign=True)


def _read_safetensors(path: Path) -> State:
    try:
        tensors: State = load_file(str(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise NetworkError(
            f"{path.name} cannot be read as safetensors ({error}): it is damaged, cut short or another kind of file."
        ) from error
    return tensors


def _read_pickle(path: Path) -> object:
    _check_archive(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"(?:GLOBAL|global:?) (?:GLOBAL )?([\w.]+)", str(error))
        if named:
            raise NetworkError(
                f"{path.name} holds Python objects or code ({named[1]}), not only tensors; "
                f"Gander never runs what a checkpoint carries. {SAVE_AS}"
            ) from error
        raise NetworkError(f"{path.name} is not a checkpoint: torch finds no state dict in it. {SAVE_AS}") from error
    except Exception as error:  # a damaged file makes torch's reader raise nearly anything, struct.error for one
        raise NetworkError(f"{path.name} is damaged or cut short: torch cannot read it to its end.") from error


def _check_archive(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any("/code/" in entry.filename for entry in entries):
        raise NetworkError(f"{path.name} is a TorchScript program, not a state dict. {SAVE_AS}")
    # torch.save never compresses; a small file could unfold into one larger than the memory.
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise NetworkError(f"{path.name} is a compressed archive, which torch.save never writes. {SAVE_AS}")


def _unwrap(content: object, name: str) -> State:
    found: Any = content
    if isinstance(found, Mapping) and not _is_state(found):
        found = next((found[key] for key in WRAPPERS if _is_state(found.get(key))), found)
    if not _is_state(found):
        held = type(found).__name__
        if isinstance(found, Mapping):
            held = f"the entries {', '.join(map(str, list(found)[:5]))}" if found else "nothing"
        raise NetworkError(f"{name} holds {held}, not a state dict of tensors by name. {SAVE_AS}")
    return dict(found)


def _is_state(content: object) -> bool:
    return (
        isinstance(content, Mapping)
        and bool(content)
        and all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items())
    )


def _strip(state: State) -> State:
    for prefix in PREFIXES * 2:  # a compiled network in DataParallel has two
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"


def _some(words: str, items: list[str]) -> str:
    if not items:
        return ""
    more = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return f"{words} {', '.join(items[:3])}{more}".strip()
