"""Occurrence records from GBIF: reading, counting by cell, and comparing with the ranges."""
