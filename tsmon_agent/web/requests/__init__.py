"""Reading requests: client, identity, required role, parameters, bodies and forms."""
