"""The embedded broker: a folder of messages, made to survive what kombu's own file-system transport does not.

A message appears whole (kombu's can be read while it is being written, which ends the worker), is taken within the
folder (not through the machine's /tmp), and the folder is there before anything is put into it. A worker whose folder
goes away still ends, with an error that is seen; `up` starts it again.
"""

import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

FOLDERS = ("queue", "taken", "control")


def make_folders(broker: Path) -> None:
    for name in FOLDERS:
        (broker / name).mkdir(parents=True, exist_ok=True)


def options(broker: Path) -> dict[str, Any]:
    """The transport's options for a broker in the folder ``broker``."""
    return {
        "data_folder_in": str(broker / "queue"),
        "data_folder_out": str(broker / "queue"),
        "processed_folder": str(broker / "taken"),
        "control_folder": str(broker / "control"),
        "polling_interval": 0.2,
    }


class Channel(filesystem.Channel):
    """Messages as files: written aside and renamed into the queue, renamed out of it to be taken by one worker only."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]  # kombu's own bases disagree
        folder = Path(self.data_folder_out)
        make_folders(folder.parent)
        name = f"{time.time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        written = folder.parent / "taken" / f"{name}.new"
        try:
            written.write_text(dumps(payload), encoding="utf-8")
            written.rename(folder / name)
        except OSError as error:
            raise ChannelError(f"Cannot write the message {folder / name}: {error}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for path in sorted(Path(self.data_folder_in).iterdir()):
            if path.name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = Path(self.processed_folder) / path.name
            try:
                path.rename(taken)
            except FileNotFoundError:
                if not taken.parent.is_dir():
                    raise
                continue  # another worker was faster
            payload = taken.read_text(encoding="utf-8")
            taken.unlink()
            return loads(payload)
        raise Empty


class Transport(filesystem.Transport):
    Channel = Channel


TRANSPORT_ALIASES["filesystem"] = "study.broker:Transport"
