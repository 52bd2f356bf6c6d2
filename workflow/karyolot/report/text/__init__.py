"""The sentences of a report. Only the assembly of a record calls these modules; the pages lay out what the record holds.

`report` says all of it; the other modules say one section each. A public function returns words and nothing else.
"""
