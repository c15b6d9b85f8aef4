"""Pages of those who may change something: signing in and out, and what was done."""
