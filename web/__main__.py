"""Serve the application over HTTP: `python -m web --port 8000`."""

import argparse
import sys


def main() -> int:
    """Parse the arguments and serve. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m web", description="Serve the application over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    arguments = parser.parse_args()

    import app
    from web.server import serve

    return serve(app.application, arguments.host, arguments.port)


if __name__ == "__main__":
    sys.exit(main())
