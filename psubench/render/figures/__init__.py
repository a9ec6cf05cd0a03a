"""What all figures share: looks, styles, files."""
