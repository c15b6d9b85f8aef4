"""What a request brings: body, form, client, identity, the role that it needs."""
