"""What happens, in which order; no I/O, no clocks, no chance."""
