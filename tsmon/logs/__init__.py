"""What goes into the log: limited in rate, and safe to print."""
