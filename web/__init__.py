"""The application over HTTP without AWS: an ASGI application and the server that runs it."""
