"""Archives of photos in S3: list them, have AWS identify them, and merge the answers into a results file."""
