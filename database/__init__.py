"""The animals of each place: the schema, the data as CSV, the loader, and what makes the data."""
