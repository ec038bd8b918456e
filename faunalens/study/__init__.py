"""A folder of photos with its answers: sites, cameras, clocks, sequences, and the results file."""
