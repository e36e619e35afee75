"""What a relay may mark as published after a batch that was delivered in part."""

from datetime import UTC, datetime
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from bhtom_runtime.outbox import OutboxRow
from bhtom_runtime.relay import settled


def row(number: int, key: str, topic: str = "noted") -> OutboxRow:
    return OutboxRow(
        id=number,
        event_id=uuid4(),
        topic=topic,
        key=key,
        body=b"{}",
        schema_version=1,
        epoch=1,
        traceparent=None,
        created_at=datetime.now(UTC),
    )


def test_a_failed_row_holds_its_key_and_no_other() -> None:
    rows = [row(1, "a"), row(2, "a"), row(3, "b"), row(4, "a"), row(5, "a", "other")]
    marked = settled(rows, [True, False, True, True, True])
    assert [one.id for one in marked] == [1, 3, 5]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40))
def test_the_last_event_sent_of_a_key_is_its_newest(
    batch: list[tuple[str, bool]],
) -> None:
    rows = [row(number, key) for number, (key, _) in enumerate(batch)]
    delivered = [has_it for _, has_it in batch]
    marked = {one.id for one in settled(rows, delivered)}
    assert marked <= {one.id for one, ok in zip(rows, delivered, strict=True) if ok}
    for key in "abc":
        states = [one.id in marked for one in rows if one.key == key]
        assert states == sorted(states, reverse=True), "marked behind an unmarked one"
