"""Simulated size and coverage: minutes of it, so not in ``make test``; docs/statistics.md has command and figures."""

import pytest

from tests.study.error_rate_settings import Setting, differences, means

STUDIES = 4000
# Two Monte-Carlo standard errors beyond what is promised: .06 in a tail at .05, and .03 in one at .025.
AT_MOST, MISSED_AT_MOST = 0.06 + 2 * 0.0037, 0.03 + 2 * 0.0027
ALL = {setting.label: setting for setting in (*means(), *differences())}


@pytest.mark.slow
@pytest.mark.parametrize("setting", ALL.values(), ids=ALL)
def test_size_and_coverage_are_nominal_in_both_tails(setting: Setting) -> None:
    found = setting.rates(7, STUDIES)
    assert found.below + found.above < AT_MOST, found
    assert max(found.lower, found.upper) < AT_MOST, found
    assert max(found.below, found.above) < MISSED_AT_MOST, found


def test_a_naive_test_of_the_same_studies_finds_what_is_not_there() -> None:
    setting = next(differences())
    found = setting.rates(2, 300)
    # Four Monte-Carlo standard errors.
    assert max(found.lower, found.upper) < 0.05 + 4 * 0.0126
    assert found.naive[0] > 0.2
