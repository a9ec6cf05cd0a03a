"""Rows to what people look at: tables, files, figures, and the progress of a run."""
