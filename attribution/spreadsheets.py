"""Text cells of CSV files as no spreadsheet takes them for formulas.

OWASP, CSV injection: a cell that begins with =, +, -, @, a tab or a line end may be computed when the file is opened.
"""

import re

FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
WRITTEN = re.compile(r"'+[=+\-@\t\r\n]")


def neutralised(text: str) -> str:
    """``text``, with an apostrophe in front where a spreadsheet would compute it; ``original`` undoes it."""
    return f"'{text}" if FORMULA.match(text) else text


def original(cell: str) -> str:
    """The text that ``neutralised`` made the cell of."""
    return cell[1:] if WRITTEN.match(cell) else cell
