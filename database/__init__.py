"""The animals of each place: the schema, the data as CSV, and the loader, and what makes the data."""
