"""The error of the sandbox."""


class CannotStart(Exception):
    """A component cannot start. The message says why and what to do; `python -m sandbox` prints it and exits with 1."""
