"""A stand-in for the job modules, quick to start: it does what the request's environment tells it to.

``python fake_job.py KIND --state STATE --job DIRECTORY``
"""

import argparse
import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


def watch_lifeline() -> None:
    """As every job does: end with the server."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def report(directory: Path, **members: object) -> None:
    temporary = directory / ".progress"
    temporary.write_text(json.dumps(members))
    temporary.replace(directory / "progress.json")


def work(directory: Path, request: dict[str, object]) -> int:
    environment = request.get("Environment") or {}
    tabular = request.get("AutoMLProblemTypeConfig", {}).get("TabularJobConfig", {})
    behaviour = environment.get("behaviour") or tabular.get("TargetAttributeName") or "finish"
    members = json.loads(environment.get("progress", "{}"))
    if behaviour == "automl":
        members = automl_progress(directory.name)
    if members:
        report(directory, **members)
    print("started", behaviour, flush=True)
    if "grandchild" in behaviour:
        child = subprocess.Popen(["sleep", "600"], start_new_session="away" in behaviour)
        (directory / "grandchild").write_text(str(child.pid))
    if "stubborn" in behaviour:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (directory / "stubborn").write_text("")
    elif "graceful" in behaviour:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        (directory / "graceful").write_text("")
    if "hang" in behaviour:  # until the test tells it to go on, or to break off
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline and not (directory / "go").exists():
            if (directory / "break").exists():
                return 1
            time.sleep(0.05)
    if "fail" in behaviour:
        print("Traceback: the data is no good", flush=True)
        return 1
    return 0


def automl_progress(job: str) -> dict[str, object]:
    def candidate(number: int, score: float) -> dict[str, object]:
        return {
            "CandidateName": f"{job[:10]}-candidate-{number:02}",
            "ObjectiveStatus": "Succeeded",
            "CandidateStatus": "Completed",
            "CandidateSteps": [
                {
                    "CandidateStepType": "AWS::SageMaker::TrainingJob",
                    "CandidateStepArn": f"arn:aws:sagemaker:us-east-1:0:training-job/{job}-{number}",
                    "CandidateStepName": f"{job}-{number}",
                }
            ],
            "CreationTime": 1_700_000_000.0 + number,
            "LastModifiedTime": 1_700_000_100.0 + number,
            "FinalAutoMLJobObjectiveMetric": {"MetricName": "RMSE", "Value": score, "Type": "Minimize"},
            "InferenceContainers": [
                {"Image": "x/autogluon-inference:1", "ModelDataUrl": "s3://data/model.tar.gz"}
            ],
        }

    candidates = [candidate(number, 1 / number) for number in range(1, 13)]
    return {
        "AutoMLJobSecondaryStatus": "MaxCandidatesReached",
        "BestCandidate": candidates[-1],
        "Candidates": candidates,
        "ProblemType": "Regression",
    }


def serve(directory: Path, request: dict[str, object]) -> int:
    container = request["Container"]
    environment = container.get("Environment") or {}
    behaviour = environment.get("behaviour", "echo")
    if behaviour == "broken":
        print("the model cannot be loaded", flush=True)
        return 1
    while "await" in environment and not Path(environment["await"]).exists():
        time.sleep(0.05)  # a model that loads as slowly as the test likes
    token = "secret"
    frozen = threading.Event()  # as when every thread of a model hangs
    if behaviour == "mute":
        frozen.set()
    if behaviour == "polite":  # ends a while after it was asked to
        signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), print("goodbye"), os._exit(0)))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if frozen.is_set():
                time.sleep(600)
            self.answer(int(environment.get("ping", "200")), b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["X-Workshop-Token"] != token:
                self.answer(403, b"")
            elif frozen.is_set():
                time.sleep(600)
            elif body == b"crash":
                os._exit(3)
            elif body == b"freeze":
                frozen.set()
                time.sleep(600)
            elif body == b"hang":
                time.sleep(600)
            elif body == b"slow":
                time.sleep(1.0)
                self.answer(200, environment.get("name", "").encode())
            elif body.startswith(b"chunks "):  # the second when the test has made a file
                self.send_chunk(b"first", begin=True)
                while not Path(body[7:].decode()).exists():
                    time.sleep(0.02)
                self.send_chunk(b"second")
                self.send_chunk(b"")
            elif body == b"last":  # says that it hangs up after this answer, and does a while later
                self.send_response(200)
                self.send_header("Connection", "close")
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"last")
                self.wfile.flush()
                time.sleep(0.5)
            elif body == b"break off":
                self.send_chunk(b"first", begin=True)
                self.close_connection = True
            elif body == b"stall":
                self.send_chunk(b"first", begin=True)
                time.sleep(600)
            elif body == b"flood":
                self.send_chunk(b"", begin=True, end=False)
                with contextlib.suppress(OSError):  # until nobody listens any more
                    while True:
                        self.send_chunk(b"x" * 1_000_000)
            elif body == b"drip":
                with contextlib.suppress(OSError):
                    for byte in b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 10_000:
                        self.wfile.write(bytes([byte]))
                        time.sleep(0.05)
            elif body.startswith(b"error "):
                self.answer(int(body[6:9]), b"cannot read row 3")
            elif behaviour == "headers":
                self.answer(
                    200, json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
                )
            else:
                self.answer(200, environment.get("name", "").encode() + body)

        def send_chunk(self, piece: bytes, begin: bool = False, end: bool = True) -> None:
            if begin:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
            if piece or end:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", environment.get("type", "text/csv; charset=utf-8"))
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", "trace=1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    report_path = directory / ".server"
    report_path.write_text(json.dumps({"port": server.server_address[1], "token": token}))
    report_path.replace(directory / "server.json")
    print("serving", request["Name"], flush=True)
    server.serve_forever()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("--state", type=Path)
    parser.add_argument("--job", type=Path)
    arguments = parser.parse_args()
    watch_lifeline()
    request = json.loads((arguments.job / "request.json").read_text())
    return serve(arguments.job, request) if arguments.kind == "model_server" else work(arguments.job, request)


if __name__ == "__main__":
    sys.exit(main())
