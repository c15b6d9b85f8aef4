"""The peers, one library per file; each is imported only in the process that measures it."""
