"""The bench refuses what it cannot measure, in a sentence, before it measures anything."""

import pytest

from bench import _error_rates, _mixed_models


@pytest.mark.parametrize("arguments", [["x"], ["binary"], ["binary", "huge"], ["binary", "small", "more"]])
def test_a_stray_argument_of_the_mixed_models_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="is nothing to measure: give nothing, or a family"):
        _mixed_models.main(arguments)


@pytest.mark.parametrize("arguments", [["x"], ["0"], ["100", "200"]])
def test_a_stray_argument_of_the_error_rates_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="is no number of studies: give one, such as 2000"):
        _error_rates.main(arguments)
