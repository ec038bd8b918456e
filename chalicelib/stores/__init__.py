"""Clients of Redis, PostgreSQL and S3, sign-in, and circuit breakers."""
