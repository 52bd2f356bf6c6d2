"""Everything a user gives: settings, sample sheets, files. The only readers of foreign formats; no pandas at import."""
