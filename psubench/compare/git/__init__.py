"""Two revisions of a repository, measured side by side."""
