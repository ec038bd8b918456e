"""Lambda on this machine: API Gateway, and containers with the Lambda runtime's own client."""
