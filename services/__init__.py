"""The six services' logic, and what they share."""
