"""Types of queries and rows whose columns are known by name only."""

from typing import Any, TypeAlias

from sqlalchemy import Row, Select

Record: TypeAlias = Row[*tuple[Any, ...]]
Query: TypeAlias = Select[*tuple[Any, ...]]
