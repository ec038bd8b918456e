"""Faunalens as it is installed: the command `faunalens`, the engines, the data, studies, and the HTTP server."""
