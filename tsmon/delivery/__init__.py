"""From the buffer to the store: batches, retries, the spool beside them, and what is refused for good.

The life of a line, with the method that makes each move::

    Monitor.emit ─▶ in the deque
      ▼ Buffer.seal
    in a block ──────────┬── Buffer.seal, above the bound ──────▶ dropped "buffer full"
      │                  └── Buffer.close, at the stop ─────────▶ dropped "stopped"
      ▼ Buffer.take
    in flight ───────────┬── CurrentBatch.settle_written ───────▶ written
      │                  ├── CurrentBatch.isolate, .halve ──────▶ dropped "rejected"
      │                  │   CurrentBatch.keep_dead_letters ────▶ … and a dead letter
      │                  └── Buffer.close, at the stop ─────────▶ dropped "stopped"
      ▼ SpoolFiles.append
    on disk ─────────────┬── Spool.append, above the bound ─────▶ dropped "spool full"
      │ ▲                ├── Spool.read_oldest, unreadable ─────▶ dropped "spool damaged"
      │ │                ├── SpoolFiles.move_to, disk refuses ──▶ dropped "left in the spool"
      │ │                └── SpoolFiles.keep ───────────────────▶ on disk for the next process: SpoolFiles.open
      │ └ SpoolFiles.put_back, at the stop or for another server
      ▼ SpoolFiles.recall
    in flight and on disk ── as in flight; when all of the batch is settled, SpoolFiles.remove_recalled

``Buffer`` counts every move. ``Spooler`` decides when lines go to disk (``spill_if_due``, and ``keep_rest`` at the
stop) and which batch is next (``take``: from disk, else from memory, so lines are sent in order). ``Delivery``
takes that batch, sends it and settles it. A line is pending until it is written or dropped.
"""
