"""Where the next page of a list that is ordered by ids begins."""

from bhtom_runtime.pagination import decode_cursor, encode_cursor


def after_id(cursor: str | None) -> int:
    """The id after which the page begins."""
    return 0 if cursor is None else int(decode_cursor(cursor, {"after": int})["after"])


def cursor_after(last_id: int) -> str:
    """The cursor of the page that begins after an id."""
    return encode_cursor({"after": last_id})
