"""The archive of old orders: tables beside those that orders are written to, which every read includes."""
