"""Records: one msgspec struct per type, and the file that contains them."""
