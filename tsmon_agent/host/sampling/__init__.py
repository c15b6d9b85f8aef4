"""When samplers are read, on which thread, and for how long at most."""
