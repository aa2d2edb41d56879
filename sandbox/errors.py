"""The one error of the sandbox: something cannot start here, said in a sentence that names what to do next."""


class CannotStart(Exception):
    """Raised with the whole sentence for the person at the terminal; `python -m sandbox` prints it and exits 1."""
