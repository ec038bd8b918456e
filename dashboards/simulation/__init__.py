"""A simulated day of traffic and faults, recorded as metrics."""
