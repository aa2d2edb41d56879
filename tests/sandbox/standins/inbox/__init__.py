"""The mail server and SMS gateway stand-ins."""
