"""Turns frozen results into plain JSON values."""

import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np


def json_form(value: Any) -> Any:
    """Return `value` as dict, list, str, int, float, bool or None; NaN becomes None."""
    if value is None or isinstance(value, (bool, str)):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.bool_):
        return bool(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: json_form(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.metadata.get("json", True)
        }
    if isinstance(value, Mapping):
        return {str(key): json_form(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return json_form(value.tolist())
    if isinstance(value, (tuple, list, set, frozenset)):
        return [json_form(item) for item in value]
    message = f"{type(value).__name__} has no JSON form"
    raise TypeError(message)
