"""Embedded PostgreSQL and Valkey, started and ended with their parent."""
