"""What runs inside a worker process: gate, clock and counters."""
