"""The payment provider stand-in."""
