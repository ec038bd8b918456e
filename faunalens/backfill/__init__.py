"""Archives of photos in S3: a manifest of jobs, and the results put together."""
