"""A checkpoint is an untrusted file: tensors are read, nothing is run, and a refusal names the file and the reason."""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attribution.networks import NetworkError
from attribution.networks._checkpoints import read_state, weights_hash, write_state
from attribution.networks.scenes import build, load

State = dict[str, Tensor]


@pytest.fixture
def state() -> State:
    return dict(build(3, widths=(2, 3, 4, 5)).state_dict())


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_one_hash_for_the_same_weights_in_any_file(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "zip.pth")
    torch.save(state, tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": OrderedDict(reversed(state.items()))}, tmp_path / "wrapped.pth")
    torch.save({f"module._orig_mod.{name}": tensor for name, tensor in state.items()}, tmp_path / "parallel.pth")
    write_state(state, tmp_path / "weights.safetensors")
    (tmp_path / "no_ending").write_bytes((tmp_path / "weights.safetensors").read_bytes())
    hashes = {path.name: weights_hash(read_state(path)) for path in tmp_path.iterdir()}
    assert len(hashes) == 6
    assert set(hashes.values()) == {weights_hash(state)}


def test_the_hash_follows_values_names_shapes_and_types(state: State) -> None:
    def changed(**changes: Tensor) -> str:
        return weights_hash({**state, **changes})

    bias = state["classifier.bias"]
    others = [
        changed(**{"classifier.bias": torch.nextafter(bias, bias + 1)}),
        changed(**{"classifier.bias": bias.half()}),
        changed(**{"classifier.bias": bias.view(1, -1)}),
        changed(extra=bias),
    ]
    assert len({weights_hash(state), *others}) == 5


def test_views_into_one_storage_are_written_and_hashed_by_what_they_hold(tmp_path: Path) -> None:
    whole = torch.arange(12.0).view(3, 4)
    views = {"column": whole[:, 1], "turned": whole.T, "whole": whole}
    write_state(views, tmp_path / "views.safetensors")
    torch.save(views, tmp_path / "views.pth")
    copies = weights_hash({name: tensor.clone() for name, tensor in views.items()})
    assert weights_hash(read_state(tmp_path / "views.safetensors")) == copies
    assert weights_hash(read_state(tmp_path / "views.pth")) == copies


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_checkpoint_is_never_run(legacy: bool, state: State, tmp_path: Path) -> None:
    ran, path = tmp_path / "it_ran", tmp_path / "bomb.pth"
    torch.save({**state, "more": Bomb(ran)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(
        NetworkError, match=r"bomb\.pth holds Python objects or code .*never runs what a checkpoint"
    ) as e:
        load(path)
    assert not ran.exists()
    assert "state_dict()" in str(e.value)
    torch.load(path, weights_only=False)
    assert ran.exists(), "the bomb would have gone off"


def test_a_bare_pickle_with_code_is_never_run(tmp_path: Path) -> None:
    ran, path = tmp_path / "it_ran", tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Bomb(ran)))
    with pytest.raises(NetworkError, match=r"weights\.pth"):
        read_state(path)
    assert not ran.exists()


def test_a_whole_pickled_network_is_refused_with_what_to_do(tmp_path: Path) -> None:
    torch.save(nn.Sequential(nn.Linear(2, 2)), tmp_path / "whole.pth")
    with pytest.raises(NetworkError, match=r"torch\.nn\.modules.* not only tensors.*model\.state_dict\(\)"):
        read_state(tmp_path / "whole.pth")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "script.pth")
    with pytest.raises(NetworkError, match=r"script\.pth is a TorchScript program"):
        read_state(tmp_path / "script.pth")


@pytest.mark.parametrize("kind", ["zip.pth", "legacy.pth", "weights.safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused_at_any_length(kind: str, kept: float, state: State, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "weights.safetensors":
        write_state(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip.pth")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(NetworkError, match=f"{kind}.*(cut short|not a checkpoint|damaged)"):
        load(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.pth", b"Just some words.\n" * 40),
        ("photo.pth", b"\x89PNG\r\n\x1a\n" + bytes(200)),
        ("notes.safetensors", b"Just some words.\n" * 40),
        ("huge.safetensors", (2**60).to_bytes(8, "little") + b"{" + bytes(50)),
        ("archive.pth", b"PK\x05\x06" + bytes(18)),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_by_name(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NetworkError, match=name):
        read_state(tmp_path / name)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.pth", tmp_path):
        with pytest.raises(NetworkError, match="There is no checkpoint file"):
            read_state(path)


def test_a_small_file_cannot_claim_a_tensor_larger_than_itself(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1).expand(10**6, 10**6)}, tmp_path / "claims.pth")
    with pytest.raises(NetworkError, match=r"weight claims 1,000,000,000,000 numbers that the file does not hold"):
        read_state(tmp_path / "claims.pth")


def test_a_compressed_archive_is_refused_before_it_unfolds(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(tmp_path / "packed.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    with pytest.raises(NetworkError, match="compressed archive"):
        read_state(tmp_path / "packed.pth")


def test_a_sparse_tensor_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.eye(3).to_sparse()}, tmp_path / "sparse.pth")
    with pytest.raises(NetworkError, match="weight is a sparse or quantised tensor"):
        read_state(tmp_path / "sparse.pth")


@pytest.mark.parametrize(
    ("content", "held"),
    [
        ([torch.zeros(2)], "list"),
        ({"epoch": 3, "loss": 0.5}, "epoch, loss"),
        ({}, "nothing"),
        (torch.zeros(2), "Tensor"),
    ],
)
def test_a_file_without_state_dict_is_told_what_it_holds(content: object, held: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(NetworkError, match=f"other.pth holds .*{held}.*, not a state dict"):
        read_state(tmp_path / "other.pth")


def test_numbers_that_are_not_finite_are_refused(state: State, tmp_path: Path) -> None:
    state["block2.convolution.weight"][0, 0, 0, 0] = float("nan")
    torch.save(state, tmp_path / "nan.pth")
    with pytest.raises(NetworkError, match=r"nan\.pth: block2\.convolution\.weight holds numbers that are not finite"):
        load(tmp_path / "nan.pth", labels=["a", "b", "c"])
