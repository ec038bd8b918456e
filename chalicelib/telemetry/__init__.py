"""The record of a request, metrics, logs and cold starts."""
