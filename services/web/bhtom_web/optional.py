"""Parts of a page that may be missing while the rest is shown."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from bhtom_web.services import ApiProblem, ServiceUnreachable


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a service answered, or the sentence that says why there is nothing."""

    value: Any = None
    sentence: str | None = None
    status: int = 200

    @property
    def items(self) -> list[Any]:
        """The items of a list answer, none when there is no answer."""
        found = self.value.get("items") if isinstance(self.value, dict) else None
        return found if isinstance(found, list) else []


async def attempt(asking: Awaitable[Any]) -> Attempt:
    """Ask for something that the page can do without."""
    try:
        return Attempt(await asking)
    except ServiceUnreachable as error:
        return Attempt(sentence=str(error), status=503)
    except ApiProblem as problem:
        return Attempt(sentence=problem.sentence, status=problem.status)
