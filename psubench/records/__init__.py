"""What is recorded: one msgspec struct per type of record, and the file that holds them."""
