"""A folder of photos with its answers: deployments, clocks, events, reviews, and the results file."""
