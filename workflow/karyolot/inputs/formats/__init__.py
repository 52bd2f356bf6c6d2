"""One module per input format, with one parser each: `records`, `look` for the check, `read` for the run."""
