"""The candidates, one library a file; each file is imported only in the process that measures it."""
