"""The tables of the user guide say what the registries say."""

import re
from pathlib import Path
from typing import get_args

import pytest

from bhtom_contracts.events.calibrations import ErrorBudget
from bhtom_contracts.events.frames import DataProductState
from bhtom_contracts.flags import DESCRIPTIONS
from bhtom_contracts.outcomes import OUTCOMES
from bhtom_core.light_curves.presentation import CSV_COLUMNS

GUIDE = Path(__file__).parents[2] / "docs" / "user-guide.md"


def table(text: str, *head: str) -> list[list[str]]:
    """The rows below the one table with this head."""
    lines = text.splitlines()
    heads = [number for number, line in enumerate(lines) if cells(line) == list(head)]
    assert len(heads) == 1, f"{len(heads)} tables have the head {head}"
    rows = []
    for line in lines[heads[0] + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(cells(line))
    return rows


def cells(line: str) -> list[str]:
    """The cells of a line, without the marks of code."""
    if not line.startswith("|"):
        return []
    return [
        cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")
    ]


@pytest.fixture(scope="module")
def guide() -> str:
    return GUIDE.read_text(encoding="utf-8")


def test_every_outcome_is_told_with_its_own_advice(guide: str) -> None:
    head = ("outcome", "kind", "what it means", "a retry can help", "what to do")
    rows = table(guide, *head)
    assert [(name, kind, retry, advice) for name, kind, _, retry, advice in rows] == [
        (outcome.value, entry.kind, "yes" if entry.retry_helps else "no", entry.advice)
        for outcome, entry in OUTCOMES.items()
    ]
    assert all(len(meaning) > 10 for _, _, meaning, _, _ in rows)


def test_every_flag_is_told_with_its_own_words(guide: str) -> None:
    assert table(guide, "bit", "value", "name", "meaning") == [
        [str(flag.bit_length() - 1), str(int(flag)), str(flag.name).lower(), text]
        for flag, text in DESCRIPTIONS.items()
    ]


def test_every_state_is_told(guide: str) -> None:
    rows = table(guide, "state", "meaning", "what to do")
    assert [row[0] for row in rows] == list(get_args(DataProductState))


def test_every_term_of_the_error_is_told(guide: str) -> None:
    rows = table(guide, "term", "comes from")
    assert [row[0] for row in rows] == list(ErrorBudget.model_fields)


def test_every_column_of_the_csv_is_told(guide: str) -> None:
    rows = table(guide, "column", "meaning")
    assert [row[0] for row in rows] == list(CSV_COLUMNS)


def test_a_table_that_differs_is_caught(guide: str) -> None:
    """The comparison itself can fail."""
    changed = re.sub(r"Nothing to do\.", "Look away.", guide, count=1)
    head = ("outcome", "kind", "what it means", "a retry can help", "what to do")
    assert table(changed, *head) != table(guide, *head)
    with pytest.raises(AssertionError):
        table(guide, "outcome", "advice")
