"""Updates of endpoints under load: good ones, bad ones, step by step; nobody who asks is turned away."""

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from control_harness import (
    Control,
    container,
    create_model,
    deploy,
    refused,
    settled,
    variant,
    wait_for,
)
from control_server import NoLogs

from helpers.local.sagemaker import SageMaker, endpoint_description, endpoint_weights
from helpers.local.sagemaker.records import Deployment, Variant
from helpers.local.sagemaker.rollout import Step, rollout_of

CLIENTS = 4  # the server of these tests takes six invocations at once


class Crowd:
    """Clients that ask an endpoint without a pause: what they were told, and what went wrong."""

    def __init__(self, control: Control, endpoint: str) -> None:
        self.answers: Counter[str] = Counter()
        self.errors: list[Exception] = []
        self._control = control
        self._endpoint = endpoint
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(20)

    def _ask(self, number: int) -> None:
        runtime = self._control.client("sagemaker-runtime")
        body = b"slow" if number == 0 else b"x"  # one of them has long requests
        while not self._over.is_set():
            try:
                answer = runtime.invoke_endpoint(EndpointName=self._endpoint, Body=body)["Body"].read()
            except (ClientError, BotoCoreError) as error:
                self.errors.append(error)
                continue
            self.answers[answer.decode().removesuffix("x").strip()] += 1


@contextmanager
def crowd(control: Control, endpoint: str) -> Iterator[Crowd]:
    """A crowd at an endpoint that is in service."""
    found = Crowd(control, endpoint)
    found.start()
    try:
        wait_for(lambda: found.answers or found.errors, what="the first answer")
        yield found
    finally:
        found.stop()


def ask(control: Control, endpoint: str = "e") -> str:
    """The answer of an endpoint."""
    answer = control.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"x")
    return str(answer["Body"].read().decode())


def configure(client: Any, name: str, *containers: dict[str, Any], **members: Any) -> None:
    """A model and a configuration of one name."""
    create_model(client, name, *containers)
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant(name, **members)])


def update(client: Any, config: str, endpoint: str = "e", **members: Any) -> dict[str, Any]:
    """Update an endpoint and describe it once it is settled."""
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **members)
    settled(client, endpoint)
    found: dict[str, Any] = client.describe_endpoint(EndpointName=endpoint)
    assert found["EndpointStatus"] == "InService"
    return found


def test_updates_good_and_bad_drop_no_request(control: Control) -> None:
    client = control.client()
    assert deploy(client, "e", container(name="first ")) == "InService"
    configure(client, "broken", container(behaviour="broken"))
    configure(client, "half", container(name="half "), container(behaviour="broken"))
    for name in ("second", "third", "fourth"):
        configure(client, name, container(name=f"{name} "))
    with crowd(control, "e") as found:
        for name in ("second", "broken", "third", "half", "fourth", "second"):
            good = name in ("second", "third", "fourth")
            before = client.describe_endpoint(EndpointName="e")["EndpointConfigName"]
            endpoint = update(client, name)
            assert endpoint["EndpointConfigName"] == (name if good else before)
            assert ("FailureReason" in endpoint) == (not good)
            asked = found.answers.total()
            wait_for(lambda asked=asked: found.answers.total() > asked + 2 * CLIENTS or found.errors)
            if good:  # who asks now is answered by the new model
                assert ask(control) == f"{name} x"
    assert found.errors == []
    assert set(found.answers) == {"first", "second", "third", "fourth"}
    assert found.answers.total() > 100
    wait_for(lambda: len(control.jobs()) == 1, what="the models that were replaced end")


def test_a_container_killed_during_an_update_harms_neither_the_update_nor_later_requests(
    control: Control,
) -> None:
    """The old model dies while the new one loads: requests wait until one of them serves."""
    client = control.client()
    assert deploy(client, "e", container(name="old ")) == "InService"
    (old,) = control.jobs()
    go = control.state / "go"
    configure(client, "new", container(name="new ", **{"await": str(go)}))
    client.update_endpoint(EndpointName="e", EndpointConfigName="new")
    wait_for(lambda: len(control.jobs()) == 2)
    kill(old)
    wait_for(lambda: old not in control.jobs())
    assert ask(control) == "old x"
    assert client.describe_endpoint(EndpointName="e")["EndpointStatus"] == "Updating"
    go.write_text("")
    assert settled(client, "e") == "InService"
    assert ask(control) == "new x"


def test_a_new_container_killed_again_and_again_leaves_the_old_one_serving(control: Control) -> None:
    client = control.client()
    assert deploy(client, "e", container(name="old ")) == "InService"
    (old,) = control.jobs()
    configure(client, "new", container(**{"await": str(control.state / "never")}))
    client.update_endpoint(EndpointName="e", EndpointConfigName="new")

    def kill_the_new_one() -> bool:
        for pid in control.jobs():
            if pid != old:
                kill(pid)
        return bool(client.describe_endpoint(EndpointName="e")["EndpointStatus"] == "InService")

    wait_for(kill_the_new_one, 20)
    endpoint = client.describe_endpoint(EndpointName="e")
    assert endpoint["EndpointConfigName"] == "e"
    assert "was killed (signal 9)" in endpoint["FailureReason"]
    assert control.jobs() == [old]
    assert ask(control) == "old x"


def kill(pid: int) -> None:
    """End a process as the system does that has no memory left."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_what_is_coming_is_described_beside_what_serves(shared: Any, shared_control: Control) -> None:
    go = shared_control.state / "go"
    create_model(shared, "slow", container(**{"await": str(go)}))
    for name, weight in (("light", 1.0), ("heavy", 3.0)):
        variants = [variant("slow", "a", InitialVariantWeight=weight, InitialInstanceCount=2)]
        shared.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    shared.create_endpoint(EndpointName="coming", EndpointConfigName="light")
    creating = shared.describe_endpoint(EndpointName="coming")
    assert creating["EndpointStatus"] == "Creating"
    assert "ProductionVariants" not in creating
    (pending,) = creating["PendingDeploymentSummary"]["ProductionVariants"]
    assert (pending["VariantName"], pending["DesiredInstanceCount"]) == ("a", 2)
    assert pending["VariantStatus"][0]["Status"] == "Creating"
    go.write_text("")
    settled(shared, "coming")
    assert "PendingDeploymentSummary" not in shared.describe_endpoint(EndpointName="coming")
    go.unlink()
    shared.update_endpoint(EndpointName="coming", EndpointConfigName="heavy")
    updating = shared.describe_endpoint(EndpointName="coming")
    assert (updating["EndpointStatus"], updating["EndpointConfigName"]) == ("Updating", "light")
    assert updating["ProductionVariants"][0]["CurrentWeight"] == 1.0
    assert updating["PendingDeploymentSummary"]["EndpointConfigName"] == "heavy"
    (pending,) = updating["PendingDeploymentSummary"]["ProductionVariants"]
    assert (pending["DesiredWeight"], pending["InstanceType"]) == (3.0, "ml.m5.large")
    for call, members in (
        (shared.update_endpoint, {"EndpointConfigName": "light"}),
        (shared.delete_endpoint, {}),
    ):
        code, text = refused(call, EndpointName="coming", **members)
        assert (code, "Cannot update in-progress endpoint" in text) == ("ValidationException", True)
    weights = [{"VariantName": "a", "DesiredWeight": 2.0}]
    code, text = refused(
        shared.update_endpoint_weights_and_capacities,
        EndpointName="coming",
        DesiredWeightsAndCapacities=weights,
    )
    assert (code, text.endswith("in status Updating.")) == ("ValidationException", True)
    go.write_text("")
    assert settled(shared, "coming") == "InService"


def blue_green(kind: str, pause: int, **members: Any) -> dict[str, Any]:
    """A DeploymentConfig."""
    routing = {"Type": kind, "WaitIntervalInSeconds": pause, **members}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def part(value: int, kind: str = "CAPACITY_PERCENT") -> dict[str, Any]:
    """A CapacitySize."""
    return {"Type": kind, "Value": value}


def test_a_canary_gets_its_share_first(shared: Any, shared_control: Control) -> None:
    assert deploy(shared, "canary", container(name="old ")) == "InService"
    configure(shared, "next", container(name="new "))
    canary = blue_green("CANARY", 1, CanarySize=part(30))
    with crowd(shared_control, "canary") as found:
        shared.update_endpoint(EndpointName="canary", EndpointConfigName="next", DeploymentConfig=canary)
        wait_for(lambda: found.answers["new"])
        found.answers.clear()
        time.sleep(0.5)  # within the second that the canary has
        share = found.answers["new"] / found.answers.total()
        assert shared.describe_endpoint(EndpointName="canary")["EndpointStatus"] == "Updating"
        settled(shared, "canary")
        found.answers.clear()
        wait_for(lambda: found.answers.total() > 2 * CLIENTS)
    assert found.errors == []
    assert 0.1 < share < 0.6
    assert ask(shared_control, "canary") == "new x"
    assert shared.describe_endpoint(EndpointName="canary")["LastDeploymentConfig"] == canary
    at_once = blue_green("ALL_AT_ONCE", 0)
    assert update(shared, "canary", "canary", DeploymentConfig=at_once)["LastDeploymentConfig"] == at_once
    assert update(shared, "next", "canary", RetainDeploymentConfig=True)["LastDeploymentConfig"] == at_once
    assert "LastDeploymentConfig" not in update(shared, "canary", "canary")
    code, text = refused(
        shared.update_endpoint,
        EndpointName="canary",
        EndpointConfigName="canary",
        DeploymentConfig=canary,
        RetainDeploymentConfig=True,
    )
    assert (code, "not both" in text) == ("ValidationException", True)


FOUR = Deployment(generation="1", config_name="c", variants=[Variant(name="a", containers=[], instances=4)])


@pytest.mark.parametrize(
    ("config", "steps"),
    [
        (None, [(1.0, 0)]),
        ({}, [(1.0, 0)]),
        (blue_green("ALL_AT_ONCE", 7), [(1.0, 7)]),
        (blue_green("CANARY", 60, CanarySize=part(1, "INSTANCE_COUNT")), [(0.25, 60), (1.0, 60)]),
        (
            blue_green("LINEAR", 5, LinearStepSize=part(30)),
            [(0.3, 5), (0.6, 5), (0.9, 5), (1.0, 5)],
        ),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": part(50), "WaitIntervalInSeconds": 9}},
            [(0.5, 9), (1.0, 9)],
        ),
    ],
)
def test_how_requests_move_over(config: dict[str, Any] | None, steps: list[tuple[float, float]]) -> None:
    rollout = rollout_of(config, FOUR)
    assert [(pytest.approx(step.share), step.pause) for step in rollout.steps] == steps
    assert rollout.linger == 0


def test_the_old_fleet_stays_as_long_as_is_asked() -> None:
    config = blue_green("ALL_AT_ONCE", 0)
    config["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] = 90
    rollout = rollout_of(config, FOUR)
    assert (list(rollout.steps), rollout.linger) == ([Step(1.0, 0.0)], 90)


ALARMS = {"Alarms": [{"AlarmName": "errors"}]}


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"AutoRollbackConfiguration": ALARMS}, "no CloudWatch alarms"),
        (blue_green("CANARY", 0), "needs a CanarySize"),
        (blue_green("LINEAR", 0), "needs a LinearStepSize"),
        (blue_green("CANARY", 0, CanarySize=part(51)), "'canarySize' must be 0 to 50 percent"),
        (blue_green("LINEAR", 0, LinearStepSize=part(9)), "'linearStepSize' must be 10 to 50 percent"),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": part(4), "WaitIntervalInSeconds": 0}},
            "'maximumBatchSize' must be 5 to 50 percent",
        ),
        (
            {
                **blue_green("ALL_AT_ONCE", 0),
                "RollingUpdatePolicy": {"MaximumBatchSize": part(5), "WaitIntervalInSeconds": 0},
            },
            "Give one policy",
        ),
    ],
)
def test_rollouts_that_are_refused(shared: Any, config: dict[str, Any], text: str) -> None:
    if not shared.list_endpoints(NameContains="rolled")["Endpoints"]:
        deploy(shared, "rolled")
    for call, name in ((shared.update_endpoint, "rolled"), (shared.create_endpoint, "new")):
        code, message = refused(call, EndpointName=name, EndpointConfigName="rolled", DeploymentConfig=config)
        assert (code, text in message) == ("ValidationException", True)


def test_an_endpoint_on_instances_does_not_become_serverless(shared: Any) -> None:
    assert deploy(shared, "instances") == "InService"
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    variants = [{"VariantName": "AllTraffic", "ModelName": "instances", "ServerlessConfig": serverless}]
    shared.create_endpoint_config(EndpointConfigName="serverless", ProductionVariants=variants)
    code, text = refused(shared.update_endpoint, EndpointName="instances", EndpointConfigName="serverless")
    assert (code, "cannot be updated to serverless" in text) == ("ValidationException", True)
    shared.create_endpoint(EndpointName="s", EndpointConfigName="serverless")
    settled(shared, "s")
    (summary,) = shared.describe_endpoint(EndpointName="s")["ProductionVariants"]
    assert summary["CurrentServerlessConfig"] == serverless
    assert "CurrentInstanceCount" not in summary
    change = shared.update_endpoint_weights_and_capacities
    wish = {"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 9}}
    change(EndpointName="s", DesiredWeightsAndCapacities=[wish])
    settled(shared, "s")
    (summary,) = shared.describe_endpoint(EndpointName="s")["ProductionVariants"]
    assert summary["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 9}
    for endpoint, members, words in (
        ("s", {"DesiredInstanceCount": 2}, "it is serverless"),
        ("s", {"ServerlessUpdateConfig": {"ProvisionedConcurrency": 10}}, "must not be above"),
        ("instances", {"ServerlessUpdateConfig": {"MaxConcurrency": 2}}, "it is on instances"),
        ("instances", {"DesiredInstanceCount": 0}, "must be at least 1"),
    ):
        wish = {"VariantName": "AllTraffic", **members}
        code, text = refused(change, EndpointName=endpoint, DesiredWeightsAndCapacities=[wish])
        assert (code, words in text) == ("ValidationException", True), text
    shared.update_endpoint(EndpointName="s", EndpointConfigName="instances")  # the other way is allowed
    assert settled(shared, "s") == "InService"
    assert shared.describe_endpoint(EndpointName="s")["ProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_variants_keep_the_properties_that_are_not_excluded(shared: Any) -> None:
    create_model(shared, "both")
    for name in ("kept-1", "kept-2"):
        variants = [variant("both", "a"), variant("both", "b")]
        shared.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    shared.create_endpoint(EndpointName="kept", EndpointConfigName="kept-1")
    settled(shared, "kept")
    wish = {"VariantName": "a", "DesiredWeight": 5.0, "DesiredInstanceCount": 3}
    shared.update_endpoint_weights_and_capacities(EndpointName="kept", DesiredWeightsAndCapacities=[wish])
    settled(shared, "kept")

    def properties(found: dict[str, Any]) -> list[tuple[float, int]]:
        return [(item["CurrentWeight"], item["CurrentInstanceCount"]) for item in found["ProductionVariants"]]

    assert properties(shared.describe_endpoint(EndpointName="kept")) == [(5.0, 3), (1.0, 1)]
    excluded = [{"VariantPropertyType": "DesiredWeight"}]
    found = update(
        shared, "kept-2", "kept", RetainAllVariantProperties=True, ExcludeRetainedVariantProperties=excluded
    )
    assert properties(found) == [(1.0, 3), (1.0, 1)]
    assert properties(update(shared, "kept-1", "kept", RetainAllVariantProperties=True)) == [
        (1.0, 3),
        (1.0, 1),
    ]
    assert properties(update(shared, "kept-1", "kept")) == [(1.0, 1), (1.0, 1)]


def test_weights_share_out_the_requests(shared: Any, shared_control: Control) -> None:
    for name in ("a", "b"):
        create_model(shared, name, container(name=f"{name} "))
    shared.create_endpoint_config(
        EndpointConfigName="weighed", ProductionVariants=[variant("a", "a"), variant("b", "b")]
    )
    shared.create_endpoint(EndpointName="weighed", EndpointConfigName="weighed")
    settled(shared, "weighed")
    wishes = [
        {"VariantName": "a", "DesiredWeight": 0.0},
        {"VariantName": "b", "DesiredWeight": 1.0},
    ]
    with crowd(shared_control, "weighed") as found:
        shared.update_endpoint_weights_and_capacities(
            EndpointName="weighed", DesiredWeightsAndCapacities=wishes
        )
        settled(shared, "weighed")
        time.sleep(1.1)  # the slow request that was under way is through
        found.answers.clear()
        wait_for(lambda: found.answers.total() > 20)
    assert found.errors == []
    assert set(found.answers) == {"b"}


def test_desired_weights_stand_beside_the_current_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the moment between the wish and its fulfilment, and after a crash in it."""
    control = Control(tmp_path / "state")
    control.start()
    client = control.client()
    assert deploy(client, "e") == "InService"
    control.end(signal.SIGTERM)
    service = SageMaker(control.state, control.objects, "us-east-1", NoLogs())
    monkeypatch.setattr(endpoint_weights, "in_thread", lambda *_: None)  # the moment lasts
    wish = {"VariantName": "AllTraffic", "DesiredWeight": 7.0, "DesiredInstanceCount": 2}
    request = {"EndpointName": "e", "DesiredWeightsAndCapacities": [wish]}
    endpoint_weights.update_endpoint_weights_and_capacities(service.plane, request)
    record = service.plane.endpoints.get("e")
    shown = endpoint_description.describe(record)
    (summary,) = shown["ProductionVariants"]
    assert shown["EndpointStatus"] == "Updating"
    assert (summary["CurrentWeight"], summary["DesiredWeight"]) == (1.0, 7.0)
    assert (summary["CurrentInstanceCount"], summary["DesiredInstanceCount"]) == (1, 2)
    control.start()
    client = control.client()
    try:
        assert settled(client, "e") == "InService"
        (summary,) = client.describe_endpoint(EndpointName="e")["ProductionVariants"]
        assert (summary["CurrentWeight"], summary["DesiredWeight"]) == (7.0, 7.0)
        assert (summary["CurrentInstanceCount"], summary["DesiredInstanceCount"]) == (2, 2)
    finally:
        control.end(signal.SIGTERM)


def test_a_failed_endpoint_can_only_be_deleted(shared: Any) -> None:
    assert deploy(shared, "failed", container(behaviour="broken")) == "Failed"
    wish = {"VariantName": "AllTraffic", "DesiredWeight": 2.0}
    for call, members in (
        (shared.update_endpoint, {"EndpointConfigName": "failed"}),
        (shared.update_endpoint_weights_and_capacities, {"DesiredWeightsAndCapacities": [wish]}),
    ):
        assert refused(call, EndpointName="failed", **members)[0] == "ValidationException"
    shared.delete_endpoint(EndpointName="failed")
    wait_for(lambda: not shared.list_endpoints(NameContains="failed")["Endpoints"])


def test_endpoints_are_listed_by_status_and_time(control: Control) -> None:
    client = control.client()
    assert deploy(client, "B") == "InService"
    middle = int(time.time()) + 1  # times of requests are whole seconds
    wait_for(lambda: time.time() > middle)
    assert deploy(client, "a", container(behaviour="broken")) == "Failed"

    def listed(**arguments: Any) -> list[str]:
        return [item["EndpointName"] for item in client.list_endpoints(**arguments)["Endpoints"]]

    assert listed() == ["a", "B"]
    assert listed(SortOrder="Ascending") == ["B", "a"]
    assert listed(SortBy="Name") == ["B", "a"]
    assert listed(SortBy="Status", SortOrder="Ascending") == ["a", "B"]
    assert listed(StatusEquals="InService") == ["B"]
    assert listed(StatusEquals="Failed", NameContains="A") == ["a"]
    assert listed(StatusEquals="Updating") == []
    assert listed(LastModifiedTimeAfter=middle) == ["a"]
    assert listed(CreationTimeBefore=middle) == ["B"]
    listed_configs = client.list_endpoint_configs(NameContains="b")["EndpointConfigs"]
    assert [item["EndpointConfigName"] for item in listed_configs] == ["B"]
    weights = [{"VariantName": "AllTraffic", "DesiredWeight": 2.0}]
    client.update_endpoint_weights_and_capacities(EndpointName="B", DesiredWeightsAndCapacities=weights)
    settled(client, "B")
    assert listed(LastModifiedTimeAfter=middle, SortBy="Name", SortOrder="Ascending") == ["a", "B"]


def test_an_endpoint_whose_files_have_no_place_fails_and_says_so(control: Control) -> None:
    client = control.client()
    (control.state / "jobs/endpoint").mkdir(parents=True)
    (control.state / "jobs/endpoint/e").write_text("in the way")
    assert deploy(client, "e") == "Failed"
    reason = client.describe_endpoint(EndpointName="e")["FailureReason"]
    assert reason.startswith("There is no room for its containers' files: ")
    (control.state / "jobs/endpoint/e").unlink()
    client.delete_endpoint(EndpointName="e")
    wait_for(lambda: not client.list_endpoints()["Endpoints"])
    client.create_endpoint(EndpointName="e", EndpointConfigName="e")
    assert settled(client, "e") == "InService"
