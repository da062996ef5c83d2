"""A user's own inference.py behind a model server: how it is called, what its mistakes are answered with."""

import http.client
import importlib.util
import io
import json
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import joblib
import numpy as np
import pytest
from jobs_harness import BUCKET, Client, RunningJob, State
from own_code import SKLEARN, XGBOOST, archive, container
from sklearn.linear_model import LinearRegression
from werkzeug.wrappers import Response

from helpers.local.jobs.job import JobFailure
from helpers.local.jobs.serving import images
from helpers.local.jobs.serving.container import BadEnvironment
from helpers.local.jobs.serving.script import toolkits, worker
from helpers.local.jobs.serving.script.formats import read_for_xgboost
from helpers.local.jobs.serving.script.frameworks import FRAMEWORKS
from helpers.local.jobs.serving.script.handlers import OlderHandlers
from helpers.local.jobs.serving.script.pool import Pool
from helpers.local.jobs.serving.script.requirements import check
from helpers.local.jobs.serving.script.wire import Call, Settings, receive

# What a request does is what its body says, so that one server shows every way to go wrong.
BEHAVIOURS = """
    import ctypes, logging, os, sys, threading, time
    from sagemaker_inference import content_types, errors

    print("imported by", os.getpid())

    def model_fn(model_dir, context):
        assert context.system_properties["model_dir"] == model_dir == os.environ["SM_MODEL_DIR"]
        with open(os.path.join(model_dir, "greeting.txt")) as file:
            return file.read()

    def input_fn(data, content_type):
        if content_type == "image/png":
            raise errors.UnsupportedFormatError(content_type)
        return data if isinstance(data, str) else data.decode()

    def predict_fn(data, model):
        print("asked to", data, file=sys.stderr)
        logging.getLogger("mine").info("a message of level %s", "INFO")
        if data == "raise":
            raise KeyError("no such track")
        if data == "exit":
            sys.exit(3)
        if data == "crash":
            os._exit(7)
        if data == "segfault":
            ctypes.string_at(0)
        if data == "hang":
            time.sleep(600)
        if data == "where am I":
            return os.environ["SAGEMAKER_BIND_TO_PORT"] + " " + os.environ["AWS_REGION"]
        if data == "teapot":
            raise errors.GenericInferenceToolkitError(418, "short and stout")
        if data.startswith("stream"):
            return stream(data)
        return model + data + " " + os.environ["MINE"]

    def stream(data):
        yield "one,"
        yield b"two,"
        if data == "stream and fail":
            raise RuntimeError("in the middle")
        yield "three"

    def output_fn(prediction, accept, context):
        context.set_response_header(0, "X-Amzn-SageMaker-Custom-Attributes", "heard")
        return prediction, "text/x-words" if accept == content_types.JSON else accept

    def execution_parameters_fn():
        return {"MaxConcurrentTransforms": 3, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 2}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJob]:
    state = State(tmp_path_factory.mktemp("own") / "state")
    files = {"greeting.txt": "hello ", "code/inference.py": BEHAVIOURS, "code/requirements.txt": "numpy>1\n"}
    state.objects.put(BUCKET, "model.tar.gz", archive(files))
    definition = container(
        XGBOOST,
        f"s3://{BUCKET}/model.tar.gz",
        SAGEMAKER_PROGRAM="inference.py",
        SAGEMAKER_SUBMIT_DIRECTORY="/opt/ml/model/code",
        SAGEMAKER_MODEL_SERVER_WORKERS="2",
        SAGEMAKER_MODEL_SERVER_TIMEOUT="2",
        MINE="mine",
    )
    request = {"Container": definition, "Name": "primary", "Region": "eu-west-1"}
    yield state.start("model_server", "own", request)
    state.close()


@pytest.fixture(scope="module")
def server(served: RunningJob) -> Client:
    return Client(served)


def well(server: Client) -> bool:
    """Whether a good request is answered well."""
    return server.ask("you", accept="text/csv") == (200, "hello you mine")


def test_own_functions_answer_with_their_model_and_environment(server: Client) -> None:
    assert well(server)
    assert server.ask("", method="GET", path="/ping") == (200, "")


def test_execution_parameters_are_the_code_s_own(server: Client) -> None:
    status, body = server.ask("", method="GET", path="/execution-parameters")
    assert (status, json.loads(body)["MaxConcurrentTransforms"]) == (200, 3)


def test_the_content_type_of_a_tuple_and_headers_are_passed_on(server: Client) -> None:
    for accept, expected in (("*/*", "text/x-words"), ("text/csv", "text/csv")):
        headers = {"X-Workshop-Token": server.token, "Accept": accept, "Content-Type": "text/csv"}
        status, found, _ = exchange(server, b"you", headers)
        assert (status, found["content-type"]) == (200, expected)
        assert found["x-amzn-sagemaker-custom-attributes"] == "heard"


def test_a_container_is_told_its_port_and_region(server: Client) -> None:
    assert server.ask("where am I") == (200, f"{server.port} eu-west-1")


def test_what_the_code_prints_and_logs_is_in_the_log(server: Client, served: RunningJob) -> None:
    server.ask("print this")
    assert "asked to print this" in served.log
    assert "INFO - mine - a message of level INFO" in served.log
    assert "imported by" in served.log


def test_an_exception_is_answered_with_its_message_and_traceback(server: Client, served: RunningJob) -> None:
    status, body = server.ask("raise")
    assert status == 500
    assert body.startswith("'no such track'\nTraceback")
    assert "KeyError: 'no such track'" in served.log
    assert well(server)


def test_errors_with_a_status_of_their_own(server: Client) -> None:
    status, body = server.ask("you", content_type="image/png")
    assert (status, body.splitlines()[0]) == (
        415,
        "Content type image/png is not supported by this framework.",
    )
    status, body = server.ask("teapot")
    assert (status, body.splitlines()[0]) == (418, "short and stout")


@pytest.mark.parametrize("way", ["exit", "crash", "segfault"])
def test_a_worker_that_ends_is_an_error_and_another_takes_its_place(
    server: Client, served: RunningJob, way: str
) -> None:
    before = served.log.count("Starting another")
    status, body = server.ask(way)
    assert (status, json.loads(body)["message"]) == (500, "Worker died.")
    assert well(server)
    served.wait_for(lambda job: job.log.count("Starting another") > before)
    endings = {"exit": "exit code 3", "crash": "exit code 7", "segfault": "signal 11"}
    assert f"A worker ended: {endings[way]}." in served.log


def test_a_worker_that_hangs_is_ended_and_holds_nobody_up(server: Client) -> None:
    with ThreadPoolExecutor(1) as pool:
        begun = time.monotonic()
        hanging = pool.submit(server.ask, "hang")
        while time.monotonic() - begun < 1:
            assert well(server)
        assert not hanging.done()
        assert hanging.result(10)[0] == 500
    assert well(server)


def test_many_callers_at_once_are_all_answered(server: Client) -> None:
    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(lambda _: well(server), range(60)))


def exchange(server: Client, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], list[bytes]]:
    """Status, headers (lower case) and the chunks of a body as they come."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", "/invocations", body, headers)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        chunks = []
        while chunk := response.read1(65536):
            chunks.append(chunk)
        return response.status, found, chunks
    finally:
        connection.close()


def test_a_generator_is_answered_in_chunks(server: Client) -> None:
    headers = {"X-Workshop-Token": server.token, "Content-Type": "text/csv"}
    status, found, chunks = exchange(server, b"stream", headers)
    assert (status, b"".join(chunks)) == (200, b"one,two,three")
    assert found["transfer-encoding"] == "chunked"


def test_a_stream_that_fails_is_broken_off(server: Client) -> None:
    headers = {"X-Workshop-Token": server.token, "Content-Type": "text/csv"}
    with pytest.raises(http.client.IncompleteRead):
        exchange(server, b"stream and fail", headers)
    assert well(server)


SKLEARN_CODE = """
    import os, joblib

    def model_fn(model_dir):
        return joblib.load(os.path.join(model_dir, "model.joblib"))
"""


@pytest.fixture(scope="module")
def sklearn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The image's own functions around a model of y = 2a + 3b + 1."""
    state = State(tmp_path_factory.mktemp("sklearn") / "state")
    table = np.array([[0, 0], [1, 0], [0, 1], [2, 5]], dtype=float)
    buffer = io.BytesIO()
    joblib.dump(LinearRegression().fit(table, table @ [2, 3] + 1), buffer)
    state.objects.put(BUCKET, "model.tar.gz", archive({"model.joblib": buffer.getvalue()}))
    state.objects.put(BUCKET, "sourcedir.tar.gz", archive({"serve.py": SKLEARN_CODE}))
    definition = container(
        SKLEARN,
        f"s3://{BUCKET}/model.tar.gz",
        SAGEMAKER_PROGRAM="serve.py",
        SAGEMAKER_SUBMIT_DIRECTORY=f"s3://{BUCKET}/sourcedir.tar.gz",
        SAGEMAKER_MODEL_SERVER_WORKERS="1",
    )
    yield Client(state.start("model_server", "sklearn", {"Container": definition, "Name": "primary"}))
    state.close()


def test_the_defaults_of_scikit_learn_read_and_write_three_formats(sklearn: Client) -> None:
    status, body = sklearn.ask("1,1\n2,0\n", accept="text/csv")
    assert status == 200
    assert [float(line) for line in body.splitlines()] == pytest.approx([6, 5])
    status, body = sklearn.ask("[[1, 1], [2, 0]]", "application/json", "*/*")
    assert (status, json.loads(body)) == (200, pytest.approx([6, 5]))
    buffer = io.BytesIO()
    np.save(buffer, np.array([[1.0, 1.0]]))
    status, body = sklearn.ask(buffer.getvalue(), "application/x-npy", "application/json")
    assert (status, json.loads(body)) == (200, pytest.approx([6]))


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "words"),
    [
        ("1,1\n", "image/png", "text/csv", 415, "Content type image/png is not supported"),
        (
            "1,1\n2,0\n",
            "text/csv; charset=utf-8",
            "text/csv",
            415,
            "text/csv; charset=utf-8 is not supported",
        ),
        ("1,1\n2,0\n", "text/csv", "image/png", 406, "Content type image/png is not supported"),
        ("1,1,1\n2,0,0\n", "text/csv", "text/csv", 500, "Internal Server Error"),
        ("a,b\n2,0\n", "text/csv", "text/csv", 500, "Internal Server Error"),
        ("", "text/csv", "text/csv", 500, "Internal Server Error"),
        ("{", "application/json", "text/csv", 500, "Internal Server Error"),
    ],
)
def test_scikit_learn_answers_errors_as_flask_does(
    sklearn: Client, body: str, content_type: str, accept: str, status: int, words: str
) -> None:
    found, answer = sklearn.ask(body, content_type, accept)
    assert found == status
    if status == 500:
        assert words in answer
    else:
        content = json.loads(answer)
        assert content["error"] == "UnsupportedFormatError"
        assert words in content["error-message"]


def test_scikit_learn_has_no_execution_parameters_of_its_own(sklearn: Client) -> None:
    assert sklearn.ask("", method="GET", path="/execution-parameters")[0] == 404


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def model_fn(d):\n    open(d + '/absent')\n", "model_fn failed: FileNotFoundError.*line 2"),
        ("import absent_library\n", "importing inference.py failed: ModuleNotFoundError.*absent_library"),
        ("def model_fn(:\n", "SyntaxError.*line 1"),
        ("import sys\nsys.exit(4)\n", "SystemExit: 4"),
        ("import os\nos._exit(4)\n", "The process that loads the model ended: exit code 4"),
        ("x = 1\n", "Please provide a model_fn implementation"),
        (
            "def model_fn(d): pass\ndef transform_fn(): pass\ndef input_fn(): pass\n",
            "Cannot use transform_fn implementation with input_fn",
        ),
    ],
)
def test_code_that_does_not_load_says_why(tmp_path: Path, code: str, words: str) -> None:
    (tmp_path / "inference.py").write_text(code)
    settings = Settings("sagemaker-scikit-learn", "inference", str(tmp_path), str(tmp_path))
    with pytest.raises(JobFailure, match=words):
        Pool(settings, {}, count=1, seconds=5).start()


@pytest.mark.parametrize(
    ("files", "environment", "words"),
    [
        ({"model.joblib": "0"}, {}, r"no inference.py in code/ of the model data.*holds: model.joblib"),
        ({"code/mine.py": ""}, {"SAGEMAKER_PROGRAM": "other.py"}, "no other.py.*It holds: mine.py"),
        ({"code/inference.py": ""}, {"SAGEMAKER_PROGRAM": "../x.py"}, "SAGEMAKER_PROGRAM is '../x.py'"),
        (
            {"code/inference.py": ""},
            {"SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/none.tar.gz"},
            "The code s3://music/none.tar.gz does not exist",
        ),
        ({"code/inference.py": ""}, {"SAGEMAKER_SUBMIT_DIRECTORY": "/etc"}, "SUBMIT_DIRECTORY is '/etc'"),
        (
            {"code/inference.py": ""},
            {"SAGEMAKER_MODEL_SERVER_WORKERS": "none"},
            "SAGEMAKER_MODEL_SERVER_WORKERS is 'none'",
        ),
    ],
)
def test_code_that_is_not_there_says_what_is(
    state: State,
    files: dict[str, str],
    environment: dict[str, str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = lay_out(state.root / "model", files)
    with pytest.raises((JobFailure, BadEnvironment), match=words):
        images.load(SKLEARN, state.objects, model, environment)
    said = capsys.readouterr().out
    if "SAGEMAKER_PROGRAM" in environment:
        assert "is not set" not in said
    elif "SAGEMAKER_SUBMIT_DIRECTORY" not in environment:
        assert "SAGEMAKER_PROGRAM is not set: inference.py is taken." in said


@pytest.mark.parametrize(
    ("requirements", "words"),
    [
        ("numpy\n# a word\nabsent-library==1.0\n", "asks for 'absent-library==1.0', .*is not installed"),
        ("numpy<1.0", r"asks for 'numpy<1.0', and numpy [\d.]+ is installed"),
        ("-r other.txt", "asks for '-r other.txt', and options of pip cannot be followed"),
        ("numpy==", "asks for 'numpy==', and that is no requirement"),
        ("numpy @ https://example.com/numpy.whl", "an address cannot be checked"),
    ],
)
def test_requirements_that_are_not_met_are_named(state: State, requirements: str, words: str) -> None:
    model = lay_out(state.root / "model", {"code/inference.py": "", "code/requirements.txt": requirements})
    with pytest.raises(JobFailure, match=words):
        images.load(SKLEARN, state.objects, model, {})


def test_requirements_that_are_met(tmp_path: Path) -> None:
    text = "numpy>=1.20 \\\n  ,<100  # arrays\nabsent; python_version < '3'\n\nscikit-learn\n"
    check(lay_out(tmp_path, {"requirements.txt": text}) / "requirements.txt")


def lay_out(directory: Path, files: dict[str, str]) -> Path:
    """A directory with these files."""
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("sagemaker-xgboost:1.7-1", "neither description.json"),
        ("huggingface-pytorch-inference:4", "needs transformers, which is not installed"),
        ("tensorflow-inference:2.14", "needs TensorFlow Serving"),
        ("my-own:1", "code/inference.py in the model.tar.gz"),
    ],
)
def test_images_that_cannot_be_served_say_what_can(state: State, image: str, words: str) -> None:
    if image.startswith("huggingface") and importlib.util.find_spec("transformers"):
        pytest.skip("transformers is installed here")
    uri = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{image}"
    with pytest.raises(JobFailure, match=words):
        images.check(uri)
        images.load(uri, state.objects, lay_out(state.root / "model", {"code/other.py": ""}), {})


TERMINATION = """
    import signal, sys

    def model_fn(model_dir):
        def leave(number, frame):
            print("told to go", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        return None
"""


def test_workers_are_told_to_end_and_none_is_left(state: State) -> None:
    state.objects.put(BUCKET, "model.tar.gz", archive({"code/inference.py": TERMINATION}))
    definition = container(SKLEARN, f"s3://{BUCKET}/model.tar.gz", SAGEMAKER_MODEL_SERVER_WORKERS="1")
    job = state.start("model_server", "ending", {"Container": definition, "Name": "primary"})
    Client(job)
    job.process.send_signal(signal.SIGTERM)
    job.wait(20)
    assert "told to go" in job.log


def test_a_body_that_is_none_is_an_error_and_no_crash() -> None:
    ours, theirs = Pipe()
    worker._answer(theirs, Response([1, 2]))  # type: ignore[arg-type]
    assert receive(ours)["status"] == 500
    assert b"Internal Server Error" in ours.recv_bytes()


STUBBORN = """
    import signal

    def model_fn(model_dir):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return None
"""


def test_code_that_does_not_end_when_told_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.local.jobs.serving.script.pool.GRACE", 0.2)
    (tmp_path / "inference.py").write_text(dedent(STUBBORN))
    settings = Settings("sagemaker-scikit-learn", "inference", str(tmp_path), str(tmp_path))
    pool = Pool(settings, {}, count=1, seconds=5)
    pool.start()
    (only,) = pool._alive
    pool.close()
    assert only.process.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"1,,3\n4,5,6\n", "text/csv; charset=utf-8"),
        ("1,,3\n4,5,6", "text/csv"),
        (b"1;;3\n4;5;6", "text/csv"),
    ],
)
def test_xgboost_reads_csv_and_libsvm(content: str | bytes, content_type: str) -> None:
    dense = read_for_xgboost(content, content_type).get_data().toarray()
    sparse = read_for_xgboost(b"0 0:1 2:3\n1 0:4 1:5 2:6\n", "text/x-libsvm").get_data().toarray()
    assert dense.tolist() == sparse.tolist() == [[1, 0, 3], [4, 5, 6]]


OLDER_CODE = """
    from sagemaker_containers.beta.framework import content_types, encoders, worker

    def model_fn(model_dir):
        return None

    def predict_fn(data, model):
        return data * 2

    def output_fn(prediction, accept):
        if accept == content_types.JSON:
            return worker.Response(encoders.encode(prediction, accept), mimetype=accept)
        return encoders.encode(prediction, "text/csv")
"""


def handlers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OlderHandlers:
    """Functions behind the older server, in this process."""
    for name in [name for name in sys.modules if name.startswith("sagemaker_containers")]:
        monkeypatch.delitem(sys.modules, name)
    toolkits.offer()
    module = ModuleType("older")
    exec(dedent(OLDER_CODE), module.__dict__)
    return OlderHandlers(module, FRAMEWORKS["sagemaker-scikit-learn"], str(tmp_path))


def test_the_older_toolkit_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = handlers(tmp_path, monkeypatch)
    answer = found.answer(Call("text/csv", "application/json", body=b"1,2\n3,4\n"))
    assert (answer.status_code, answer.json) == (200, [[2, 4], [6, 8]])
    answer = found.answer(Call("text/csv", "text/other", body=b"1,2\n3,4\n"))
    assert answer.content_type == "text/html; charset=utf-8"  # what Flask makes of a str
    assert answer.get_data(as_text=True) == "2.0,4.0\n6.0,8.0\n"


def test_what_answers_are_without_an_accept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = handlers(tmp_path, monkeypatch)
    for accept in ("", "*/*"):
        assert found.answer(Call("text/csv", accept, body=b"1,2\n")).content_type == "application/json"
    monkeypatch.setenv("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv")
    assert found.answer(Call("text/csv", "", body=b"1,2\n")).content_type.startswith("text/html")
