"""The animals of each place: the database schema, the data as CSV, the loader, and the programs that make the data."""
