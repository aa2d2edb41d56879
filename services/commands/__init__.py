"""The commands of `python -m services`, one module each."""
