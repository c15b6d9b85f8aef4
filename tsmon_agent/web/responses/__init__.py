"""What goes back: JSON, pages from templates, static files."""
