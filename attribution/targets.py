"""What is explained: one scalar of the network. Plain data, so that rows and pages can speak of it without torch."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

Scalar = Literal["logit", "margin", "log_probability", "probability", "logit_before_relu"]
SCALARS: tuple[Scalar, ...] = get_args(Scalar)
UNIT = re.compile(r"(?P<module>[^\s:]+):(?P<channel>\d{1,9})(?::(?P<row>\d{1,9}),\s*(?P<column>\d{1,9}))?", re.ASCII)


@dataclass(frozen=True)
class Target:
    """A class, a contrast of two classes (index minus against), or a unit (module, channel, position (row, column)).

    ``scalar`` names the number of the class that is explained: its unnormalised score S_c (``logit``), S_c minus the
    logsumexp of the other scores (``margin``), log p_c or p_c; ``logit_before_relu`` is S_c without the ReLU that ends
    a network such as SqueezeNet, explained where S_c itself is flat at 0. A contrast is a difference of logits; a
    unit's scalar is its activation, averaged over positions unless one is named.
    """

    index: int | None = None
    against: int | None = None
    module: str = ""
    channel: int | None = None
    position: tuple[int, int] | None = None
    scalar: Scalar = "logit"

    def __post_init__(self) -> None:
        if bool(self.module) == (self.index is not None):
            raise ValueError("A target is either a class (index) or a unit (module and channel).")
        if self.scalar not in SCALARS:
            raise ValueError(f"{self.scalar!r} is not a scalar that can be explained; there are: {', '.join(SCALARS)}.")
        if self.module and self.channel is None:
            raise ValueError(f"A unit of {self.module} needs its channel.")
        if self.against is not None and (self.module or self.scalar != "logit"):
            raise ValueError("A contrast is a difference of two classes' logits.")

    def to_json(self) -> dict[str, Any]:
        """The fields that say something, for a row or a content key."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The target that ``to_json`` wrote."""
        position = data.get("position")
        return cls(**{**data, "position": tuple(position) if position else None})

    @classmethod
    def of_unit(cls, text: str) -> Self:
        """The unit “module:channel” or “module:channel:row,column”; raises ValueError with a sentence."""
        said = UNIT.fullmatch(text)
        if said is None:
            raise ValueError(
                f"“{text}” is no unit; one is written module:channel or module:channel:row,column, as "
                "block4.activation:7:3,3."
            )
        position = None if said["row"] is None else (int(said["row"]), int(said["column"]))
        return cls(module=said["module"], channel=int(said["channel"]), position=position)

    @property
    def kind(self) -> str:
        """class, contrast or unit: what a plug-in's EXPLAINS names."""
        return "unit" if self.module else "class" if self.against is None else "contrast"
