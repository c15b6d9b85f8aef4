"""The page of the host: cards, charts, live values."""
