"""What keeps a store in order while the agent runs."""
