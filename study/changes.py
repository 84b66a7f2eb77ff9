"""What changed between two study documents, in words."""

from collections.abc import Mapping
from typing import Any

from .texts import Path, dotted


def document_changes(before: Any, after: Any, path: Path = ()) -> list[str]:
    """One sentence for each key that was added, removed or changed; tables in lists are matched by name."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found = []
        for key in [*before, *(key for key in after if key not in before)]:
            if key not in after:
                found.append(f"{dotted((*path, key))} was removed (it was {_shown(before[key])}).")
            elif key not in before:
                found.append(f"{dotted((*path, key))} was added: {_shown(after[key])}.")
            else:
                found += document_changes(before[key], after[key], (*path, key))
        return found
    if _named(before) and _named(after):
        return document_changes(_by_name(before), _by_name(after), path) + _moved(before, after, path)
    return [] if before == after else [f"{dotted(path)} was {_shown(before)}, now {_shown(after)}."]


def _name(table: Any) -> Any:
    return (table.get("name") or table.get("rule")) if isinstance(table, Mapping) else None


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(_name(one) for one in value)


def _by_name(tables: list[Any]) -> dict[str, Any]:
    return {str(_name(one)): one for one in tables}


def _moved(before: list[Any], after: list[Any], path: Path) -> list[str]:
    old, new = [_name(one) for one in before], [_name(one) for one in after]
    if [name for name in old if name in new] == [name for name in new if name in old]:
        return []
    return [f"{dotted(path)} are in another order: {', '.join(map(str, new))}."]


def _shown(value: Any) -> str:
    words = f"“{value}”" if isinstance(value, str) else str(value)
    return words if len(words) <= 120 else f"{words[:117]}…"
