"""How the cost of an order grows with the number of old orders."""
