"""The errors a service may answer with; each carries its HTTP meaning and a code."""

from typing import ClassVar


class ServiceError(Exception):
    """An expected failure: a stable `code` and a sentence a person can act on."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        sentence: str,
        *,
        code: str | None = None,
        retry_after_s: int | None = None,
        **details: object,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.default_code
        self.retry_after_s = retry_after_s
        self.details = details


class Invalid(ServiceError):
    """What was sent breaks a rule; the sentence names the field and the rule."""

    status = 422
    default_code = "invalid"


class Unauthenticated(ServiceError):
    """No token, or one that is not valid."""

    status = 401
    default_code = "unauthenticated"


class Forbidden(ServiceError):
    """The caller is known and may not do this."""

    status = 403
    default_code = "forbidden"


class NotFound(ServiceError):
    """There is no such thing, or the caller may not know of it."""

    status = 404
    default_code = "not_found"


class Conflict(ServiceError):
    """It stands against something that exists; `details` may link to it."""

    status = 409
    default_code = "conflict"


class Stale(ServiceError):
    """It was to be changed from a state that is no longer its newest."""

    status = 412
    default_code = "stale"


class TooLarge(ServiceError):
    """The body is larger than this service takes."""

    status = 413
    default_code = "too_large"


class Unavailable(ServiceError):
    """It cannot be done now; the same request can succeed later."""

    status = 503
    retryable = True
    default_code = "unavailable"


class NoSpace(ServiceError):
    """The store has no room for another file."""

    status = 507
    retryable = True
    default_code = "no_space"
