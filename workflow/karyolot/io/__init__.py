"""Files of our own: tables, records, panels, alignments made by the workflow; read and written against their contracts."""
