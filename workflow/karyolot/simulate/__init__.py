"""The embedded example: a miniature human, its donors, its lots and their reads, all from one seed."""
