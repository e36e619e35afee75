"""Who may import whom; each rule names the accident it prevents."""

import sys

import pytest

from tests.architecture.source_tree import PACKAGES, SERVICES, Module, modules

SHARED = {"bhtom_contracts", "bhtom_runtime"}


def _of(package: str) -> list[Module]:
    return [module for module in modules() if module.package == package]


def _is_in(name: str, packages: set[str]) -> bool:
    return name.split(".")[0] in packages


def test_every_package_is_found() -> None:
    """The other rules would pass on an empty tree."""
    for package in PACKAGES:
        assert _of(package), f"{package} has no source files"


def test_kafka_is_imported_in_one_place() -> None:
    """A second client setting, made elsewhere, would lose or double events."""
    offenders = {
        module.name
        for module in modules()
        for name in module.imports()
        if name.split(".")[0] == "confluent_kafka"
        and not module.name.startswith("bhtom_runtime.kafka")
    }
    assert offenders == set()


def test_producing_happens_in_the_relay_only() -> None:
    """An event produced beside the outbox can be sent for a change that rolls back."""
    allowed = ("bhtom_runtime.relay", "bhtom_runtime.kafka")
    offenders = {
        module.name
        for module in modules()
        for name, _ in module.calls()
        if name == "produce" and not module.name.startswith(allowed)
    }
    assert offenders == set()


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_imports_another(service: str) -> None:
    """Services that share code cannot be deployed or changed alone."""
    others = {f"bhtom_{name}" for name in SERVICES if name != service}
    others |= {"bhtom_local", "bhtom_sky"}
    offenders = {
        (module.name, name)
        for module in _of(f"bhtom_{service}")
        for name in module.imports()
        if _is_in(name, others)
    }
    assert offenders == set()


def test_shared_packages_know_no_service() -> None:
    """The runtime has no domain words."""
    services = {f"bhtom_{name}" for name in SERVICES}
    offenders = {
        (module.name, name)
        for package in SHARED
        for module in _of(package)
        for name in module.imports()
        if _is_in(name, services | {"bhtom_local", "bhtom_sky"})
    }
    assert offenders == set()


def test_contracts_need_pydantic_and_nothing_else() -> None:
    """A telescope's pipeline installs the contracts alone."""
    allowed = {"pydantic", "bhtom_contracts"} | set(sys.stdlib_module_names)
    offenders = {
        (module.name, name)
        for module in _of("bhtom_contracts")
        for name in module.imports()
        if not _is_in(name, allowed)
    }
    assert offenders == set()


def test_science_does_no_input_or_output_but_frames() -> None:
    """Science that reads a database or settings cannot be repeated from its inputs."""
    allowed = {
        "astropy", "bhtom_contracts", "bhtom_cpcs", "erfa", "matplotlib", "numpy",
        "photutils", "scipy", "sep",
    } | set(sys.stdlib_module_names)  # fmt: skip
    # Takes a file's bytes and knows nothing else of the runtime.
    unpacking = "bhtom_runtime.unpacking"
    science = [m for m in modules() if m.name.startswith("bhtom_cpcs.science")]
    assert science
    offenders = {
        (module.name, name)
        for module in science
        for name in module.imports()
        if not (_is_in(name, allowed) or name.startswith(unpacking))
        or (
            name.startswith("bhtom_cpcs.") and not name.startswith("bhtom_cpcs.science")
        )
    }
    assert offenders == set()


def test_transactions_begin_and_commit_in_three_places() -> None:
    """A commit in a use case tears a change from its event."""
    allowed = (
        "bhtom_runtime.database",
        "bhtom_runtime.relay",
        # The queries of the relay, one transaction a batch.
        "bhtom_runtime.outbox",
        "bhtom_runtime.jobs",
        "bhtom_runtime.migrations",
        "bhtom_runtime.kafka",
        # Commits offsets, after the unit of work has committed rows.
        "bhtom_runtime.consumer",
        "bhtom_runtime.lanes",
        # Commits a file: temporary name to final name.
        "bhtom_runtime.object_store",
        "bhtom_local",
        "bhtom_web",
    )
    offenders = {
        (module.name, name)
        for module in modules()
        for name, call in module.calls()
        if name in {"begin", "commit", "begin_nested", "transaction"}
        and not module.name.startswith(allowed)
        and not _is_a_file(call)
    }
    assert offenders == set()


def _is_a_file(call: object) -> bool:
    """`writer.commit()` of the object store is no transaction."""
    target = getattr(getattr(call, "func", None), "value", None)
    return getattr(target, "id", getattr(target, "attr", "")) in {"writer", "_writer"}
