"""The only code that opens files. `files` is light to import; `tables` and the others bring pandas along."""
