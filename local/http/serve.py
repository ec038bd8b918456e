"""Serve app.py on this machine through Chalice's local server: `python -m local.http.serve --port 8000`.

Like `chalice local`, but the model is loaded before the port is opened.
"""

import argparse
import sys

from local.stack.ports import HOST


def main() -> int:
    """Load the model, then serve until stopped; return the exit code."""
    parser = argparse.ArgumentParser(description="Serve the app on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="port to serve on (default: 8000)")
    port: int = parser.parse_args().port

    import app
    from chalicelib.errors import ModelError
    from local.http.dashboards import Dashboards
    from local.http.gateway import build_server

    try:
        app.application.services()
    except ModelError as error:
        print(f"the app cannot serve with the model {app.settings.model_path.absolute()}: {error}", file=sys.stderr)
        return 1
    metrics = app.settings.metrics_file
    dashboards = Dashboards(metrics) if metrics else None
    limit = app.settings.photo_max_bytes
    server = build_server(app.app, HOST, port, photo_max_bytes=limit, dashboards=dashboards)
    try:
        server.server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        if dashboards:
            dashboards.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
