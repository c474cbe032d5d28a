from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Goal, Latency, machine, middle, percentile

DURATIONS = st.lists(st.floats(0, 1e6), min_size=1)
AT_LEAST, AT_MOST = Goal("throughput_vs_F", ">=", 0.15), Goal("bulk_100k_s", "<=", 10)


@given(DURATIONS, st.floats(0.01, 1))
def test_a_percentile_is_a_measured_value_that_its_share_does_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    below = sum(value < found for value in values)
    at_most = sum(value <= found for value in values)
    assert found in values
    assert below < share * len(values) + 1e-9
    assert at_most >= share * len(values) - 1e-9


def test_the_99th_of_a_hundred_is_the_second_largest() -> None:
    assert percentile([float(value) for value in range(1, 101)], 0.99) == 99.0
    assert percentile([7.0], 0.99) == 7.0


def test_latencies_are_told_in_milliseconds() -> None:
    assert Latency.of([0.001, 0.002, 0.003]) == Latency(2.0, 3.0)


def test_the_median_of_nothing_is_not_a_number_and_reaches_no_goal() -> None:
    assert middle([3.0, 1.0, 2.0]) == 2.0
    assert math.isnan(middle([]))
    assert (AT_LEAST.holds(math.nan), AT_MOST.holds(math.nan)) == (False, False)


def test_a_goal_line_says_what_was_measured_and_whether_it_is_enough() -> None:
    assert AT_LEAST.line(0.25412) == "GOAL throughput_vs_F 0.2541 >= 0.15 ok"
    assert AT_LEAST.line(0.1) == "GOAL throughput_vs_F 0.1 >= 0.15 short"
    assert AT_MOST.line(10.0) == "GOAL bulk_100k_s 10 <= 10 ok"
    assert AT_MOST.line(12.5) == "GOAL bulk_100k_s 12.5 <= 10 short"


def test_the_machine_is_described_without_its_name() -> None:
    assert set(machine()) == {"cpu", "memory", "system", "fsync", "packages"}
