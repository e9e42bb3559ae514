"""The API keeps what its own description says, whatever it is sent: schemathesis against a runner's process.

Each operation gets requests that fit the description and requests that do not, with made-up names and with those of
real tasks and models. Nothing may be answered by a 5xx but 503, nor in a status, a type or a shape that the
description does not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from maw import paths
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.unix_http import BASE, session

pytestmark = pytest.mark.fuzz

CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance, checks.response_headers_conformance,
    checks.missing_required_header, checks.unsupported_method, checks.allow_header_conformance,
]  # fmt: skip
ENDLESS = "/api/v1/events"
SILENCE = 0.3  # seconds after which a stream without an end was read for long enough
MODEL = "smollm2-135m-instruct"  # one of the catalogue's, which is not on this node


class Api:
    """A runner, its description, and what schemathesis knows of it."""

    def __init__(self, runner: RunnerProcess) -> None:
        self.runner = runner
        self.document: dict[str, Any] = runner.request("GET", "/openapi.json")
        found = schemathesis.openapi.from_dict(self.document).get_all_operations()
        self.operations = {operation.ok().label: operation.ok() for operation in found}
        self.refused: set[str] = set()  # operations that were sent something against their rules
        self._session = session(paths.runner_socket())

    def close(self) -> None:
        self._session.close()

    def try_out(self, label: str, **known: Any) -> None:
        """Send requests that keep the rules and some that break them; `known` fixes the parts of them that it names."""
        operation = self.operations[label]
        for mode in GenerationMode:
            try:
                self._send(operation, operation.as_strategy(generation_mode=mode, **known))
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, label  # any text is an id: there is nothing to break
            else:
                self.refused |= {label} if mode is GenerationMode.NEGATIVE else set()
        assert self.runner.request("GET", "/status")["pid"] == self.runner.pid

    def _send(self, operation: Any, cases: Any) -> None:
        endless = operation.path == ENDLESS
        examples = max(10, settings.default.max_examples // 10)  # there are many operations, and requests are dear
        # In a body 0 is read as false and "5" as 5, more than is promised; in an address it is not.
        expected = [*CHECKS, *([] if operation.body else [checks.negative_data_rejection])]

        @settings(max_examples=3 if endless else examples, suppress_health_check=list(HealthCheck))
        @given(case=cases)
        def each(case: Any) -> None:
            response = case.call(base_url=BASE, session=self._session, timeout=SILENCE if endless else 20)
            if response.status_code != 503:
                case.validate_response(response, checks=expected)

        each()


@pytest.fixture
def api(runner: RunnerProcess) -> Iterator[Api]:
    found = Api(runner)
    yield found
    found.close()


@pytest.fixture
def whole_api(home: object) -> Iterator[Api]:
    """The real program: reviews, models, no model at hand."""
    runner = RunnerProcess("maw_remote start --foreground").start()
    found = Api(runner)
    yield found
    found.close()
    runner.end()


@pytest.mark.slow
def test_every_operation_with_made_up_names(api: Api) -> None:
    for label in api.operations:
        api.try_out(label)
    assert api.refused >= {"POST /api/v1/tasks", "PATCH /api/v1/tasks/{task_id}", "GET /api/v1/tasks"}


@pytest.mark.slow
def test_every_operation_on_a_task_that_is_there(api: Api) -> None:
    done = api.runner.submit(echo=1)["id"]
    api.runner.wait(done)
    waits = api.runner.submit(echo=2, wait_for="never")["id"]
    for label, operation in api.operations.items():
        if "{task_id}" in operation.path:
            api.try_out(label, path_parameters={"task_id": done})
            if "events" not in operation.path:
                api.try_out(label, path_parameters={"task_id": waits})


@pytest.mark.slow
def test_every_operation_of_the_whole_program(whole_api: Api) -> None:
    task = whole_api.runner.submit("review", v=1, diff="")["id"]
    assert whole_api.runner.wait(task, "done", "failed")
    for label, operation in whole_api.operations.items():
        whole_api.try_out(label)
        if "{task_id}" in operation.path:
            whole_api.try_out(label, path_parameters={"task_id": task})
        if "{name}" in operation.path and not operation.path.endswith("/pull"):  # a pull would go to the network
            whole_api.try_out(label, path_parameters={"name": MODEL})
    assert "POST /api/v1/models/{name}/pin" in whole_api.operations


def test_the_description_has_every_error_in_the_one_shape(api: Api) -> None:
    for path, operations in api.document["paths"].items():
        for method, operation in operations.items():
            errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert {"400", "500", "503"} <= errors.keys(), (method, path)
            for answer in errors.values():
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_the_description_knows_the_kinds_of_this_runner(api: Api) -> None:
    kind = api.document["components"]["schemas"]["TaskRequest"]["properties"]["kind"]
    assert kind["enum"] == ["echo", "generate", "review"]
