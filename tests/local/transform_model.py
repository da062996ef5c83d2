"""A stand-in model server of batch transforms, quick to start: its container's Environment says what it does.

It notes every request in requests.jsonl beside its request.json. ``answer`` is the kind of answer:

    echo        the body
    sum         for each line of CSV the sum of its numbers
    json        {"length": number of members or elements} of the body, which is one JSON document
    jsonlines   the same for each line
    lengths     for a body its number of bytes, without a newline

``parameters`` is what /execution-parameters answers, ``status`` and ``times`` fail the first so many
requests, ``delay`` waits for so many seconds, ``gather`` until so many requests have been there at once,
``bad`` refuses bodies with that text, and ``behaviour`` is ``hang``, ``crash`` or ``refuse``.
"""

import argparse
import http.server
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

lock = threading.Condition()
state = {"asked": 0, "now": 0, "most": 0}


def answer(kind: str, body: bytes) -> bytes:
    lines = [line for line in body.split(b"\n") if line.strip()]
    if kind == "sum":
        return b"".join(b"%g\n" % sum(float(cell) for cell in line.split(b",") if cell) for line in lines)
    if kind == "json":
        return json.dumps({"length": len(json.loads(body))}).encode()
    if kind == "jsonlines":
        return b"".join(json.dumps({"length": len(json.loads(line))}).encode() + b"\n" for line in lines)
    return b"%d" % len(body) if kind == "lengths" else body


def serve(directory: Path, environment: dict[str, str]) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parameters = environment.get("parameters") if self.path == "/execution-parameters" else ""
            self.reply(404 if parameters is None else 200, (parameters or "").encode())

        def do_POST(self) -> None:
            if environment.get("behaviour") == "refuse":  # before it has the body
                self.close_connection = True
                self.reply(413, b"too long for me")
                return
            body = self.body()
            with lock:
                state["asked"] += 1
                state["now"] += 1
                asked = state["asked"]
                state["most"] = max(state["most"], state["now"])
                lock.notify_all()
                lock.wait_for(lambda: state["most"] >= int(environment.get("gather", 0)), 5)
                self.note(body)
            try:
                self.work(body, asked)
            finally:
                with lock:
                    state["now"] -= 1

        def work(self, body: bytes, asked: int) -> None:
            behaviour = environment.get("behaviour", "")
            if behaviour == "crash":
                os._exit(3)
            if behaviour == "hang":
                time.sleep(600)
            time.sleep(float(environment.get("delay", 0)))
            if asked <= int(environment.get("times", 0)):
                self.reply(int(environment["status"]), b"not now")
            elif "bad" in environment and environment["bad"].encode() in body:
                self.reply(400, b"a bad record")
            else:
                self.reply(200, environment.get("name", "").encode() + answer(environment["answer"], body))

        def body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers["Content-Length"]))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def note(self, body: bytes) -> None:
            found = {"headers": dict(self.headers), "bytes": len(body), "now": state["now"]}
            found["body"] = body[:200].decode("latin-1")
            with (directory / "requests.jsonl").open("a") as file:
                file.write(json.dumps(found) + "\n")

        def reply(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", environment.get("type", "text/csv"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = directory / ".server.json"
    address.write_text(json.dumps({"port": server.server_port, "token": "secret"}))
    address.replace(directory / "server.json")
    server.serve_forever()


def main() -> None:
    def end_with_job() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)

    parser = argparse.ArgumentParser()
    parser.add_argument("--state")
    parser.add_argument("--job", type=Path)
    directory = parser.parse_args().job
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    threading.Thread(target=end_with_job, daemon=True).start()
    container = json.loads((directory / "request.json").read_text())["Container"]
    environment = container["Environment"]
    (directory / "environment.json").write_text(json.dumps(environment))
    if environment.get("behaviour") == "broken":
        sys.exit(1)
    serve(directory, environment)


if __name__ == "__main__":
    main()
