"""Ids as they come in addresses: whatever PostgreSQL's bigint can hold."""

from typing import Annotated

from fastapi import Path, Query

LARGEST = 2**63 - 1

PathId = Annotated[int, Path(ge=1, le=LARGEST)]
QueryId = Annotated[int | None, Query(ge=1, le=LARGEST)]
