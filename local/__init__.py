"""How Faunalens runs on a desk: embedded PostgreSQL and Valkey, the local server, and `make run`."""
