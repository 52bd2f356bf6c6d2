"""Expression of a lot against its own donor. Pure functions on tables; no files, no configuration."""
