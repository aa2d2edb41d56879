"""HTTP in, HTTP out: parse, authorise, call one thing, shape the answer."""
