"""Sockets: the service over HTTP/1.1 on 127.0.0.1, one thread per connection."""

from __future__ import annotations

import socket
import threading
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.fakes.linear.service import Reply, Service


class Web(ThreadingHTTPServer):
    """Listens from its making to `close`."""

    daemon_threads = True

    def __init__(self, service: Service) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.service = service
        self.closing = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """The address for GraphQL."""
        return f"http://127.0.0.1:{self.server_address[1]}/graphql"

    def close(self) -> None:
        """Stop listening; what hangs is let go."""
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Web

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        reply = self.server.service.serve(self.headers.get("authorization", "").strip(), raw)
        if reply.fault is not None:
            self._break_off(reply.fault.seconds if reply.fault.kind == "hang" else 0.0)
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        """One write, so that no part of a small answer waits for the other's receipt."""
        now = self.server.service.clock.now()
        headers = {
            "date": format_datetime(now, usegmt=True),
            "content-type": reply.content_type,
            "content-length": str(len(reply.body)),
            **reply.headers,
        }
        self.send_response_only(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    def _break_off(self, after: float) -> None:
        self.server.closing.wait(after)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """The log is the service's."""
