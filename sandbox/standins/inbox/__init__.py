"""The mail server and SMS gateway stand-ins, and the inbox that keeps every delivery."""
