"""The HTTP server, which needs no AWS: the application as ASGI, and uvicorn, which serves it."""
