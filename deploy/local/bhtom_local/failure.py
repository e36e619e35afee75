"""The one error of the local stack: a sentence that a person can act on."""


class StackFailure(Exception):
    """Something of the local stack cannot be done; the text says what to do."""
