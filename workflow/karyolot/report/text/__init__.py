"""The sentences of a report. Only the assembly of a record calls these modules; the pages lay out what the record holds.

`report` writes all of it; each other module writes one section. A public function returns words and nothing else.
"""
