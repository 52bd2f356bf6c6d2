"""Renders the record of a lot for people. Formats and draws; computes nothing."""
