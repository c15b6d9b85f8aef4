"""Pages and addresses about the agent itself."""
