"""Numbers as a report prints them: a named rounding rule, percentages, APA style (7th edition)."""

import math
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

RULES = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "truncate": ROUND_DOWN}


def rounded(value: float | None, decimals: int, rule: str = "half_even") -> str:
    """``value`` with ``decimals`` digits by ``rule`` (half_even, half_up or truncate); “–” where there is none."""
    if rule not in RULES:
        raise ValueError(f"“{rule}” is no rounding rule; there are: {', '.join(RULES)}.")
    if value is None or not math.isfinite(value):
        return "–"
    # Twelve significant digits: 0.58 is to be 58 %, not the 57.99999999999999 that binary fractions make of it.
    exact = Decimal(f"{value:.12g}").quantize(Decimal(1).scaleb(-decimals), RULES[rule])
    return f"{abs(exact) if exact == 0 else exact:f}".replace("-", "−")


def percent(fraction: float | None, decimals: int, rule: str = "half_even") -> str:
    """A fraction in percent, without the sign: 0.655 is “65.5”."""
    return rounded(None if fraction is None else fraction * 100, decimals, rule)


def without_zero(value: float | None, decimals: int, rule: str = "half_even") -> str:
    """A number that cannot exceed one, as APA prints it: “.774”, “−.31”."""
    return (
        rounded(value, decimals, rule).replace("0.", ".", 1)
        if value is None or abs(value) < 1
        else rounded(value, decimals, rule)
    )


def p_value(p: float | None) -> str:
    """“p < .001”, “p = .034”, “p > .999”, “p undefined”."""
    if p is None or not math.isfinite(p):
        return "p undefined"
    if p < 0.001:
        return "p < .001"
    return f"p = {without_zero(p, 3)}" if p < 0.9995 else "p > .999"
