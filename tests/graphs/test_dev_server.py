"""LangGraph's development server serves the graphs of langgraph.json: offline, without an account, on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from typing import Any

import pytest
from helpers.paths import ROOT

pytest.importorskip("langgraph_api", reason="langgraph-cli[inmem] is not installed")

PAGE, OWN = ROOT / "docs" / "graphs.md", "http://127.0.0.1:2024"  # where the page has its server
PATIENCE = 180.0  # seconds; a few suffice on an idle machine
NO_NETWORK = {
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    "LANGGRAPH_NO_VERSION_CHECK": "true",
    "http_proxy": "http://127.0.0.1:9",  # whoever asks the network is refused at once
    "https_proxy": "http://127.0.0.1:9",
    "no_proxy": "127.0.0.1,localhost",
}

pytestmark = pytest.mark.server


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server on the repository's own langgraph.json; its whole process group ends with the tests."""
    folder = tmp_path_factory.mktemp("server")
    served = json.loads((ROOT / "langgraph.json").read_text())
    served["graphs"] |= {name: f"./graphs.py:{name}" for name in ("mine", "table", "turn")}
    (folder / "langgraph.json").write_text(json.dumps(served))
    _, code = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (folder / "graphs.py").write_text(code)
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "poise").symlink_to(ROOT / "poise")
    port = free_port()
    log = (folder / "log").open("w+")
    flags = ["--no-browser", "--no-reload", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "langgraph_cli", "dev", *flags],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if "proxy" not in key.lower()} | NO_NETWORK,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/ok", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)
        log.close()


def wait_for(address, process, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    log.seek(0)
    pytest.fail(f"the server did not come up:\n{log.read()[-3000:]}")


def stop(process):
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, wanted)
            process.wait(60)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def test_the_graphs_are_listed_and_one_plays_a_negotiation(server):
    from langgraph_sdk import get_sync_client

    with get_sync_client(url=server) as client:
        plays(client)


def plays(client):
    listed = {assistant["graph_id"] for assistant in client.assistants.search(limit=20)}
    assert {"negotiation", "judged_negotiation", "creditor", "debtor"} <= listed
    choice = {"creditor": "eq-negotiator", "debtor": "sad", "seed": 3}
    state = client.runs.wait(None, "negotiation", input={}, context=choice, config={"recursion_limit": 60})
    assert state["outcome"]["ending"] == "deal"
    assert [message["seat"] for message in state["messages"][:2]] == ["creditor", "debtor"]
    said = [{"seat": "creditor", "text": "Pay within 20 days.", "value": 20}]
    answer = client.runs.wait(None, "debtor", input={"said": said}, context={"debtor": "angry"})["answer"]
    assert (answer["seat"], answer["kind"]) == ("debtor", "offer")


def test_your_own_agent_is_stepped_a_person_answers_and_errors_are_told(server):
    from langgraph_sdk import get_sync_client

    steps: dict[str, Any] = {"config": {"recursion_limit": 60}}
    unsaid: Any = {"said": [{"seat": "debtor"}]}
    with get_sync_client(url=server) as client:
        thread = client.threads.create()["thread_id"]
        client.runs.wait(thread, "mine", input={}, interrupt_before=["debtor"], **steps)
        assert client.threads.get_state(thread)["next"] == ["debtor"]
        assert client.runs.wait(thread, "mine", input=None, **steps)["outcome"]["ending"] == "deal"
        assert client.assistants.get_schemas(client.assistants.search(graph_id="mine")[0]["assistant_id"])
        thread = client.threads.create()["thread_id"]
        client.runs.wait(thread, "table", input={}, **steps)
        for answer in ("My offer is 60 days.", True):
            asked = client.threads.get_state(thread)["tasks"][0]["interrupts"][0]["value"]
            assert asked["ask"] == ("confirm" if answer is True else "message")
            state = client.runs.wait(thread, "table", command={"resume": answer}, **steps)
        assert "My offer is 60 days." in [message["text"] for message in state["messages"]]
        refused = client.runs.wait(None, "mine", input={}, context={"debtor": "angri"}, **steps)
        assert "did you mean 'angry'" in refused["outcome"]["reason"]
        assert "has no 'text'" in client.runs.wait(None, "turn", input=unsaid)["answer"]["error"]


def test_the_code_of_the_page_on_graphs_runs(server, capsys):
    code, _ = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert OWN in code
    exec(compile(code.replace(OWN, server), PAGE.name, "exec"), {"__name__": "page"})
    assert "days" in capsys.readouterr().out
