"""A proxy on loopback that writes down what passes, as transcripts (tests/protocols/transcript.h)."""

import socket
import threading
import time

CHUNK_BYTES = 65536
LINE_CHARS = 100
SHORT = {0x0D: "\\r", 0x0A: "\\n", 0x09: "\\t", 0x22: '\\"', 0x5C: "\\\\"}


def quoted(data):
    """Strings of the transcript format, a line each."""
    lines, line = [], ""
    for byte in data:
        line += SHORT.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")
        if len(line) >= LINE_CHARS or (byte == 0x0A and len(line) >= LINE_CHARS / 2):
            lines.append(line)
            line = ""
    if line or not lines:
        lines.append(line)
    return "\n  ".join(f'"{text}"' for text in lines)


class Transcript:
    """One connection. Keeps the first `capture` bytes of each chunk, and how many more there were."""

    def __init__(self, transport, port, capture):
        self.head = f"connection {transport} client {port}\n"
        self.capture = capture
        self.begin = time.monotonic()
        self.lines = []
        self.lock = threading.Lock()

    def now(self):
        return f"{time.monotonic() - self.begin + 0.001:.6f}"

    def add(self, sign, data):
        kept = data[: self.capture]
        more = f" +{len(data) - len(kept)}" if len(kept) < len(data) else ""
        with self.lock:
            self.lines.append(f"{sign} {self.now()} {quoted(kept)}{more}\n")

    def close(self):
        with self.lock:
            if not self.lines or not self.lines[-1].startswith("close"):
                self.lines.append(f"close {self.now()}\n")

    def text(self, about):
        return f"# {about}\n{self.head}{''.join(self.lines)}records\n"


class TcpProxy:
    """Listens on a port of its own; `target` is (host, port) behind it."""

    def __init__(self, target, server_port, capture=CHUNK_BYTES):
        self.target = target
        self.server_port = server_port
        self.capture = capture
        self.transcripts = []
        self.threads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._start(self._accept)

    def _start(self, run, *args):
        thread = threading.Thread(target=run, args=args, daemon=True)
        thread.start()
        self.threads.append(thread)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transcript = Transcript("tcp", self.server_port, self.capture)
            self.transcripts.append(transcript)
            self._start(self._pump, client, server, ">", transcript)
            self._start(self._pump, server, client, "<", transcript)

    @staticmethod
    def _pump(source, sink, sign, transcript):
        try:
            while data := source.recv(CHUNK_BYTES):
                transcript.add(sign, data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if sign == "<":
            transcript.close()

    def stop(self):
        # Wakes accept(), which close() alone does not.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(timeout=5)


class UdpProxy:
    """Every datagram of one client after another; a transcript a client."""

    def __init__(self, target, server_port):
        self.target = target
        self.server_port = server_port
        self.by_client = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                data, client = self.socket.recvfrom(CHUNK_BYTES)
            except OSError:
                return
            transcript, server = self.by_client.get(client) or (None, None)
            if transcript is None:
                transcript = Transcript("udp", self.server_port, CHUNK_BYTES)
                server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                server.connect(self.target)
                self.by_client[client] = (transcript, server)
                threading.Thread(
                    target=self._back, args=(server, client, transcript), daemon=True
                ).start()
            transcript.add(">", data)
            server.send(data)

    def _back(self, server, client, transcript):
        while True:
            try:
                data = server.recv(CHUNK_BYTES)
                transcript.add("<", data)
                self.socket.sendto(data, client)
            except OSError:
                return

    @property
    def transcripts(self):
        return [transcript for transcript, _ in self.by_client.values()]

    def stop(self):
        time.sleep(0.2)  # what is under way
        self.socket.close()
        for transcript, server in self.by_client.values():
            server.close()
            transcript.close()


