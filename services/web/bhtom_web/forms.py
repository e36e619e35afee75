"""Forms: their texts as sent, and which field an error belongs to."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request

from bhtom_web.services import ApiProblem

# The longest is a target's with an ephemeris of 1000 rows.
MAX_FORM_BYTES: Final = 1024 * 1024
_MAX_FIELDS: Final = 200


class FormTooLarge(Exception):
    """A form of this site never has that much text."""


async def read_form(request: Request) -> dict[str, str]:
    """The texts of an urlencoded form, stripped; the last of a repeated name wins."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise FormTooLarge
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"),
            keep_blank_values=True,
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise FormTooLarge from error
    return {name: value.strip() for name, value in pairs}


@dataclass
class Form:
    """The texts somebody wrote, and what is wrong with them, field by field."""

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    problem: ApiProblem | None = None

    @property
    def sentence(self) -> str | None:
        """What is wrong with no single field."""
        return self.errors.get("")

    def text(self, name: str) -> str:
        """What was written into a field."""
        return str(self.values.get(name) or "")

    def checked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return name in self.values

    def convert(
        self, name: str, parse: Callable[[str], Any], sentence: str | None = None
    ) -> Any:
        """A field's text as a value; empty is None, nonsense an error of the field."""
        written = self.text(name)
        if not written:
            return None
        try:
            return parse(written)
        except ValueError as error:
            self.errors[name] = sentence or str(error)
            return None

    def number(self, name: str, example: str) -> float | None:
        """A field's text as a number."""
        value: float | None = self.convert(
            name,
            lambda written: parse_number(written),
            f"This must be a number, for example {example}.",
        )
        return value

    def require(self, *names: str) -> None:
        """Note the fields that were left empty."""
        for name in names:
            if not self.text(name):
                self.errors.setdefault(name, "This field is required.")

    def refuse(self, problem: ApiProblem, names: Iterable[str]) -> None:
        """Take over what a service says is wrong."""
        self.problem = problem
        self.errors.update(errors_by_field(problem, tuple(names)))


def parse_number(text: str) -> float:
    """A finite number; a decimal comma is understood."""
    value = float(text.replace(",", ".").replace("−", "-"))
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return value


def errors_by_field(problem: ApiProblem, names: tuple[str, ...]) -> dict[str, str]:
    """The sentences of a problem beside their fields; "" holds those of none."""
    stated = problem.details.get("fields")
    found: dict[str, str] = {}
    if isinstance(stated, list):
        for item in stated:
            if not isinstance(item, dict):
                continue
            message = str(item.get("message") or problem.sentence)
            name, message = _at_field(str(item.get("field", "")), message, names)
            found.setdefault(name, message)
    if found:
        return found
    return {_field_named_in(problem, names): problem.sentence}


def _at_field(stated: str, message: str, names: tuple[str, ...]) -> tuple[str, str]:
    """The field of a path such as `elements.inclination`, and the words beside it."""
    first, *inner = stated.split(".")
    if len(inner) == 1 and inner[0] in names:
        return inner[0], message
    if len(inner) > 1:
        message = f"{' '.join(inner)}: {message}"
    return (first if first in names else ""), message


def _field_named_in(problem: ApiProblem, names: tuple[str, ...]) -> str:
    """Typed errors name their field: in `field`, or at the sentence's beginning."""
    stated = problem.details.get("field")
    if isinstance(stated, str) and stated in names:
        return stated
    beginning = re.sub(r"[^a-z]+", " ", problem.sentence.lower())[:60].strip()
    for name in sorted(names, key=len, reverse=True):
        words = name.replace("_", " ")
        if re.match(rf"(the |a |an |this )?{re.escape(words)}\b", beginning):
            return name
    return ""
