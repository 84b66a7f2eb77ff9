"""What a browser sends, held against what it may send before anything else touches it."""

import json
import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAXIMUM_BYTES = 128 * 1024
MAXIMUM_ANSWERS = 8
DAY_MS = 86_400_000.0
LONGEST_WHOLE = 16  # characters


class RefusalError(ValueError):
    """A request or an answer cannot be taken; the message says why, ``status`` is HTTP's."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True)
class Given:
    """One answer as the page gave it: to which screen, what, how fast, under which circumstances."""

    position: int
    attempt: int
    client_id: uuid.UUID
    answer: dict[str, Any]
    response_ms: float | None
    quality: dict[str, Any]
    is_timed_out: bool = False  # the time was over before an answer


def _is_ms(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= DAY_MS


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1_000_000


def _is_viewport(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(_is_number(one) and 0 < one < 100_000 for one in value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


FIELDS = {"position", "attempt", "client_id", "answer", "response_ms", "quality", "is_timed_out"}
# What the page notes of each presentation: name -> (check, unit, meaning).
QUALITY: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "load_ms": (_is_ms, "ms", "the slowest picture's fetching and decoding, before the screen was shown"),
    "frame_ms": (_is_ms, "ms", "from the frame in which the screen was shown to the next one, the onset"),
    "first_ms": (_is_ms, "ms", "from the onset to the first touch of a control"),
    "hidden_ms": (_is_ms, "ms", "how long the tab was hidden while the screen was shown"),
    "early_keys": (_is_count, "", "keys pressed before the onset"),
    "times_shown": (_is_count, "", "how often this browser showed the screen: over 1 after a reload"),
    "viewport": (_is_viewport, "px", "width, height, device-pixel ratio at the onset"),
    "is_resized": (_is_flag, "", "the window changed its size while the screen was shown"),
    "is_pasted": (_is_flag, "", "text was pasted into an answer"),
}


def read(body: bytes) -> tuple[list[Given], int]:
    """The answers in a request, and the last position whose screen the page holds; raises RefusalError in words."""
    if len(body) > MAXIMUM_BYTES:
        raise RefusalError(413, f"A request holds at most {MAXIMUM_BYTES} bytes; this one has {len(body)}.")
    try:
        # As text: of bytes, json would take UTF-16 and raw surrogates too, past the search for escapes below.
        sent = json.loads(body.decode(), parse_constant=_no_constant, parse_int=_whole, parse_float=_number)
        if b"\\u" in body:
            sent = _storable(sent)
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, f"The request is not JSON: {error}") from error
    if not isinstance(sent, dict) or not isinstance(sent.get("responses"), list):
        raise RefusalError(400, "The request should be an object with a list “responses”.")
    if len(sent["responses"]) > MAXIMUM_ANSWERS:
        raise RefusalError(400, f"A request holds at most {MAXIMUM_ANSWERS} answers.")
    after = sent.get("after", -1)
    if not isinstance(after, int) or isinstance(after, bool):
        raise RefusalError(400, "“after” should be a whole number, the last position that the page holds.")
    return [_given(one) for one in sent["responses"]], after


def _storable(value: Any) -> Any:
    """The same with U+FFFD for what PostgreSQL's JSON refuses: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_WHOLE:  # JSON has no end of them; nothing that a page sends is beyond a column's
        raise ValueError(f"a number of {len(digits)} digits is too large")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is too large")
    return value


def _given(sent: Any) -> Given:
    if not isinstance(sent, dict):
        raise RefusalError(400, "Each of “responses” should be an object.")
    unknown = sorted(set(sent) - FIELDS)
    if unknown:
        raise RefusalError(400, f"An answer has no “{unknown[0]}”.")
    position, attempt = sent.get("position"), sent.get("attempt", 1)
    if not _is_count(position) or not _is_count(attempt):
        raise RefusalError(400, "“position” and “attempt” should be whole numbers, as the screen came with.")
    if not isinstance(sent.get("answer"), dict):
        raise RefusalError(400, "“answer” should be an object: each control's name and its value.")
    response_ms = sent.get("response_ms")
    if response_ms is not None and not _is_ms(response_ms):
        raise RefusalError(400, "“response_ms” should be milliseconds from 0 to a day, or null.")
    late = sent.get("is_timed_out", False)
    if not _is_flag(late) or (late and (sent["answer"] or response_ms is None)):
        raise RefusalError(400, "“is_timed_out” is true or false; where it is true, “answer” is empty after a time.")
    place = int(str(position)), int(str(attempt))
    return Given(*place, _client_id(sent), sent["answer"], response_ms, _quality(sent), late)


def _client_id(sent: Mapping[str, Any]) -> uuid.UUID:
    try:
        return uuid.UUID(str(sent.get("client_id")))
    except ValueError as error:
        raise RefusalError(400, "“client_id” should be a UUID made for this answer.") from error


def _quality(sent: Mapping[str, Any]) -> dict[str, Any]:
    quality = sent.get("quality", {})
    if not isinstance(quality, dict):
        raise RefusalError(400, "“quality” should be an object.")
    for name, value in quality.items():
        if name not in QUALITY:
            raise RefusalError(400, f"“quality” has no “{name}”; it has: {', '.join(QUALITY)}.")
        if not QUALITY[name][0](value):
            raise RefusalError(400, f"“{name}” cannot be {value!r}: {QUALITY[name][2]}.")
    return quality
