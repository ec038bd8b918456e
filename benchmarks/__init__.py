"""What a request, a start and a spike cost, compared with the same work without the app."""
