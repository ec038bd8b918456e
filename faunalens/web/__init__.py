"""The HTTP server: an ASGI interface of the application, served by uvicorn. It does not need AWS."""
