"""A state is written only by its transition function."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source_tree import Module, modules

COLUMNS = {"state", "approval"}
WATCHED = ("bhtom_core", "bhtom_upload", "bhtom_cpcs", "bhtom_runtime")
Place = tuple[str, str]

# Who moves what from state to state; each asks the table of allowed moves, or says in
# its own WHERE from which states it goes.
TRANSITIONS: dict[Place, str] = {
    ("bhtom_upload.data_products.progress", "move"): "data products",
    ("bhtom_upload.recalibrations.store", "move"): "re-calibrations",
    ("bhtom_upload.recalibrations.store", "move_item"): "products of re-calibrations",
    ("bhtom_cpcs.calibrations.store", "move"): "calibration requests",
    ("bhtom_core.observatories.service", "decide"): "approval of cameras",
    ("bhtom_runtime.jobs.claim", "_CLAIM"): "jobs",
    ("bhtom_runtime.jobs.fence", "_DONE"): "jobs",
    ("bhtom_runtime.jobs.fence", "_DEAD"): "jobs",
    ("bhtom_runtime.jobs.fence", "_AGAIN"): "jobs",
    ("bhtom_runtime.jobs.fence", "_UNCOUNTED"): "jobs",
    ("bhtom_runtime.jobs.leases", "_REQUEUE"): "jobs",
    ("bhtom_runtime.jobs.control", "replay"): "jobs",
    ("bhtom_runtime.jobs.control", "cancel"): "jobs",
    ("bhtom_runtime.dead_letters", "replace_older"): "dead letters",
    ("bhtom_runtime.replay", "_mark"): "dead letters",
    ("bhtom_runtime.replay", "_keep_failure"): "dead letters",
}
# A row's first state, a copy of somebody else's, a line of history.
NO_TRANSITION: dict[Place, str] = {
    ("bhtom_upload.intake.registration", "_insert"): "a new data product",
    ("bhtom_upload.recalibrations.service", "ask"): "a new re-calibration",
    ("bhtom_upload.data_products.store", "add_stage"): "history",
    ("bhtom_upload.data_products.plane_store", "keep_plane"): "derived from answers",
    ("bhtom_upload.replicas.cameras", "keep_camera"): "a copy of core's",
    ("bhtom_upload.testing", "make_camera"): "a test's event",
    ("bhtom_cpcs.testing", "product_snapshot"): "a test's event",
    ("bhtom_runtime.dead_letters", "_store"): "a new dead letter",
}

_SQL = re.compile(
    r"\bSET\b(?:(?!\bWHERE\b|\bRETURNING\b).)*?\b(?:state|approval)\s*=",
    re.IGNORECASE | re.DOTALL,
)


def _key_of(node: ast.expr | None) -> str:
    """`"state"` and `table.c.state` as the name of a column."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Attribute) and _called(node.value) == "c":
        return node.attr
    return ""


def _called(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _writes(node: ast.AST) -> bool:
    """Whether this node gives a state a value: in a dict, a call or SQL."""
    if isinstance(node, ast.Dict):
        return any(_key_of(key) in COLUMNS for key in node.keys)
    if isinstance(node, ast.Assign):
        return any(
            isinstance(target, ast.Subscript) and _key_of(target.slice) in COLUMNS
            for target in node.targets
        )
    if isinstance(node, ast.Call) and _called(node.func) in {
        "values",
        "dict",
        "update",
        "ordered_values",
    }:
        return any(keyword.arg in COLUMNS for keyword in node.keywords)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _SQL.search(node.value) is not None
    return False


def _owners(node: ast.AST, owner: str) -> Iterator[tuple[str, ast.AST]]:
    """Every node below with the innermost function, or the module's name, it is in."""
    for child in ast.iter_child_nodes(node):
        inner = owner
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = child.name
        elif owner == "" and isinstance(child, ast.Assign | ast.AnnAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            inner = _called(targets[0])
        yield inner, child
        yield from _owners(child, inner)


def writers(module: Module) -> set[Place]:
    """The places of a module in which a state gets a value."""
    return {
        (module.name, owner)
        for owner, node in _owners(module.tree, "")
        if _writes(node)
    }


def _watched() -> list[Module]:
    return [
        module
        for module in modules()
        if module.package in WATCHED and ".migrations" not in module.name
    ]


def test_a_state_is_written_only_by_its_transition_function() -> None:
    """A second writer skips the table of moves, the history and the event."""
    found = {place for module in _watched() for place in writers(module)}
    assert found - TRANSITIONS.keys() - NO_TRANSITION.keys() == set()


def test_the_list_names_nobody_who_is_gone() -> None:
    """An entry that is left over would let a new writer in by its name."""
    found = {place for module in _watched() for place in writers(module)}
    assert (TRANSITIONS.keys() | NO_TRANSITION.keys()) - found == set()


@pytest.mark.parametrize(
    ("place", "table"),
    [
        (("bhtom_upload.data_products.progress", "move"), "transition"),
        (("bhtom_cpcs.calibrations.store", "move"), "moved"),
        (("bhtom_upload.recalibrations.store", "move"), "moved"),
        (("bhtom_upload.recalibrations.store", "move_item"), "item_moved"),
    ],
)
def test_a_transition_asks_its_table(place: Place, table: str) -> None:
    """The one writer is worth little if it writes what it is told."""
    (module,) = (module for module in modules() if module.name == place[0])
    calls = {
        _called(node.func)
        for owner, node in _owners(module.tree, "")
        if owner == place[1] and isinstance(node, ast.Call)
    }
    assert table in calls


OFFENDERS = {
    "a keyword": "update(products).where(x).values(state='done', message='')",
    "a dict": "update(products).values(**{'state': 'done'})",
    "a column": "update(products).values({products.c.state: 'done'})",
    "a dict by call": "dict(state='done')",
    "an item": "values['state'] = 'done'",
    "an approval": "store.update_camera(c, 7, {'approval': 'approved'})",
    "an upsert": "s.on_conflict_do_update(set_={'state': 'done'})",
    "SQL": "text('UPDATE jobs SET attempt = 1,\\n state = 1 WHERE id = 7')",
}
INNOCENTS = {
    "a condition": "update(products).where(products.c.state == 'done')",
    "a column beside it": "update(products).values(state_changed_at=now())",
    "an argument": "Reader(state='done')",
    "SQL that asks": "text(\"UPDATE jobs SET attempt = 1 WHERE state = 'done'\")",
    "a read": "row['state'] == 'done'",
}


def _module(line: str) -> Module:
    source = f"def somebody():\n    {line}\n"
    return Module("bhtom_upload", "bhtom_upload.x", Path("x.py"), ast.parse(source))


@pytest.mark.parametrize("line", OFFENDERS.values(), ids=OFFENDERS.keys())
def test_a_second_writer_is_caught(line: str) -> None:
    """The rule itself can fail."""
    assert writers(_module(line)) == {("bhtom_upload.x", "somebody")}


@pytest.mark.parametrize("line", INNOCENTS.values(), ids=INNOCENTS.keys())
def test_reading_a_state_is_allowed(line: str) -> None:
    """A rule that catches everything is soon switched off."""
    assert writers(_module(line)) == set()
