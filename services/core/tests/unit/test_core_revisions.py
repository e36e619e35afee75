"""Which revision of a point counts, in whatever order they arrive."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_contracts.events.photometry import HarvestedRow, PhotometricValue
from bhtom_core.light_curves.domain import (
    Current,
    checked_reason,
    content_hash,
    first_revision,
    harvest_order,
)
from bhtom_runtime.errors import Invalid


@given(st.lists(st.integers(1, 1000), unique=True, min_size=1, max_size=20))
def test_the_newest_request_counts_whatever_arrives_first(orders: list[int]) -> None:
    current = first_revision(orders[0])
    of_revision = {1: orders[0]}
    for order in orders[1:]:
        current = current.after(order)
        of_revision[current.count] = order
    assert of_revision[current.revision] == max(orders)
    assert current.order == max(orders)
    assert current.count == len(orders)


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from("AB")),
        min_size=1,
        max_size=12,
        unique_by=lambda each: each[0],
    )
)
def test_an_archive_s_newest_content_counts(
    harvests: list[tuple[int, str]],
) -> None:
    order, content = harvests[0]
    current, contents = first_revision(order), {1: content}
    for order, content in harvests[1:]:
        if contents[current.revision] == content:
            current = current.seen_again(order)
        else:
            current = current.after(order)
            contents[current.count] = content
    assert contents[current.revision] == max(harvests)[1]


def test_the_same_order_again_does_not_count() -> None:
    assert Current(1, 7, 1).after(7) == Current(1, 7, 2)


def row(value: float | None, **changes: object) -> HarvestedRow:
    photometry = PhotometricValue(
        value=value, passband="GSA(G)", passband_as_reported="G"
    )
    fields = {"record": "1", "component": "G", "mjd": 59000.0, **changes}
    return HarvestedRow(photometry=photometry, **fields)


def test_the_content_of_an_archive_s_row() -> None:
    same = content_hash(row(18.0))
    assert content_hash(row(18.0, record="2", component="BP")) == same
    assert content_hash(row(18.1)) != same
    assert content_hash(row(None)) != same
    assert content_hash(row(18.0, mjd=59001.0)) != same
    assert content_hash(row(18.0, flags=4)) != same


def test_later_harvests_have_a_higher_order() -> None:
    now = datetime.now(UTC)
    assert harvest_order(now) < harvest_order(now + timedelta(microseconds=1))


def test_reasons() -> None:
    assert checked_reason("  satellite \n trail ", required=True) == "satellite trail"
    assert checked_reason("", required=False) == ""
    with pytest.raises(Invalid, match="say why"):
        checked_reason(" \0 ", required=True)
    with pytest.raises(Invalid, match="at most"):
        checked_reason("x" * 501, required=True)
