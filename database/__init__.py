"""The animals of each place: the schema, the data as CSV, and the loader; `maintain/` makes the data."""
