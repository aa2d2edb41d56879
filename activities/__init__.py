"""One durable step each, thin: an activity calls services and says how it went."""
