"""Expected data streams: the inventory of them, their freshness, availability and timelines."""
