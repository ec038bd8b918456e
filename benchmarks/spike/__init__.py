"""A spike from idle: simulated clients, Lambda containers and a database that is slow to wake."""
