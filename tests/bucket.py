"""A bucket for tests: what an S3-compatible store answers to putting, getting and deleting whole objects by path."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Bucket(ThreadingHTTPServer):
    """Objects in memory, by ``bucket/name``; ``address`` is what MEDIA_ENDPOINT is set to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.objects: dict[str, bytes] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Requests(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):  # what older stores do not understand
            return self.answer(501)
        self.server.objects[self.name] = self.rfile.read(int(self.headers["Content-Length"]))
        return self.answer(200)

    def do_GET(self) -> None:
        data = self.server.objects.get(self.name)
        return self.answer(404) if data is None else self.answer(200, data)

    do_HEAD = do_GET  # noqa: N815  the names are the protocol's

    def do_DELETE(self) -> None:
        self.server.objects.pop(self.name, None)
        self.answer(204)

    @property
    def name(self) -> str:
        return self.path.partition("?")[0].removeprefix("/")

    def answer(self, status: int, data: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *words: object) -> None:
        """Nothing: the tests read the objects."""


@contextmanager
def bucket() -> Iterator[Bucket]:
    with Bucket() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
