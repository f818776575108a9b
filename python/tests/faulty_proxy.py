"""A TCP proxy that breaks connections, for real."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

Fault: TypeAlias = Literal["reset", "reset_after", "busy", "slow", "cut", "silent"]


class FaultyProxy:
    """Passes connections on, but for the next ones that ``faults`` names:

    - ``reset``: the connection is reset when the request is there, and nobody else hears of it
    - ``reset_after``: the coordinator answers, and the connection is reset instead
    - ``busy``: the answer is 503 with ``Retry-After: 1``
    - ``slow``: the answer comes byte by byte, one each 50 ms
    - ``cut``: half of the answer comes, then the connection ends
    - ``silent``: nothing comes
    """

    def __init__(self, target: str) -> None:
        url = urlsplit(target)
        self._target = (url.hostname, url.port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.faults: list[Fault] = []
        self.requests = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in [self._server, *self._open]:
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while request := _read_message(client):
                self.requests += 1
                fault = self.faults.pop(0) if self.faults else None
                if fault == "reset":
                    return _reset(client)
                if fault == "busy":
                    client.sendall(b"HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n")
                    continue
                if fault == "silent":
                    return None
                with socket.create_connection(self._target) as server:
                    server.sendall(request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
                    self._answer(client, server, fault)
                client.close()
                return None
        return None

    def _answer(self, client: socket.socket, server: socket.socket, fault: Fault | None) -> None:
        if fault is None:
            while part := server.recv(65536):
                client.sendall(part)
            return
        answer = b"".join(iter(lambda: server.recv(65536), b""))
        if fault == "reset_after":
            _reset(client)
        elif fault == "cut":
            client.sendall(answer[: answer.index(b"\r\n\r\n") + 10])
        else:
            head, _, body = answer.partition(b"\r\n\r\n")
            client.sendall(head + b"\r\n\r\n")
            for index in range(len(body)):
                client.sendall(body[index : index + 1])
                time.sleep(0.05)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _read_message(connection: socket.socket) -> bytes:
    message = b""
    while b"\r\n\r\n" not in message:
        part = connection.recv(65536)
        if not part:
            return b""
        message += part
    head, _, body = message.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        part = connection.recv(65536)
        message += part
        body += part
    return message


@contextlib.contextmanager
def faulty_proxy(target: str) -> Iterator[FaultyProxy]:
    proxy = FaultyProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
