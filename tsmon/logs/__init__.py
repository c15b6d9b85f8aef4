"""Log messages: limited in rate, and safe to print."""
