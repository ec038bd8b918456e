"""A preview in this process, for tests."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from dashboards.preview.pages import Pages
from dashboards.preview.server import HOST, PATH, build_server


@contextmanager
def serving(pages: Pages) -> Iterator[str]:
    """Serve pages on a free port until the end of the block. Yield the URL of the overview."""
    server = build_server(pages)
    with socket.create_server((HOST, 0)) as listener:
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://{HOST}:{listener.getsockname()[1]}{PATH}"
        server.should_exit = True
        thread.join()
