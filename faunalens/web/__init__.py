"""The HTTP server: the application on Starlette, served by uvicorn. It does not need AWS."""
