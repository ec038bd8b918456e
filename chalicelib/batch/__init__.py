"""Photos in S3: one line of results for each photo."""
