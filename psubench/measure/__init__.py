"""One question each, asked inside a worker process."""
