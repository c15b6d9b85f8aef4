"""From the buffer to the store: batches, retries, the spool behind them, and what is refused for good."""
