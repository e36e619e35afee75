"""Which variables each service reads, asked from its own settings model."""

import importlib
from functools import cache

from bhtom_runtime.settings import ServiceSettings


@cache
def variables_of(service: str) -> frozenset[str]:
    """Names of the variables that a service's settings know."""
    model = settings_model(service)
    return frozenset(
        str(entry.validation_alias or f"BHTOM_{name}".upper())
        for name, entry in model.model_fields.items()
    )


def settings_model(service: str) -> type[ServiceSettings]:
    """The service's own settings class."""
    module = importlib.import_module(f"bhtom_{service}.settings")
    return next(
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ServiceSettings)
        and value.__module__ == module.__name__
    )
