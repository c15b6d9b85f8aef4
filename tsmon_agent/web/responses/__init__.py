"""Writing responses: data in JSON and CSV, pages from templates, errors, static files, headers."""
