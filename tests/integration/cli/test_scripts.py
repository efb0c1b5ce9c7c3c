"""What `make up` and `make down` do, in a checkout of their own without its building: whose gateway it is that they speak of."""

import os
import pathlib
import shutil
import socket
import subprocess

import pytest

import stack

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = ("src/cli/oriel", "src/api/orield", "src/gateway/oriel-gateway")
PATIENCE = 60


class Checkout:
    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        (folder / "scripts" / "build").write_text("#!/bin/sh\n")
        for program in PROGRAMS:
            (folder / "build" / program).parent.mkdir(parents=True)
            shutil.copy2(stack.BUILD / program, folder / "build" / program)

    def run(self, script, *words, port):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ORIEL_")}
        environment.update(ORIEL_STATE=str(self.folder / "state"), ORIEL_PORT=str(port))
        return subprocess.run([self.folder / "scripts" / script, *words], env=environment, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def end(self):
        for name in ("orield", "oriel-gateway"):
            self.run("daemon", "stop", name, port=8443)


@pytest.fixture
def checkouts(tmp_path):
    both = [Checkout(tmp_path / "ours"), Checkout(tmp_path / "theirs")]
    yield both
    for one in both:
        one.end()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_gateway_is_up_when_it_is_this_state_folders(checkouts):
    ours, theirs = checkouts
    port = free_port()
    assert theirs.run("daemon", "start", "oriel-gateway", port=port).returncode == 0
    assert theirs.run("daemon", "start", "oriel-gateway", port=port).returncode == 0  # it is left alone
    failed = ours.run("daemon", "start", "oriel-gateway", port=port)
    assert failed.returncode != 0
    assert f"port {port} is in use by another program" in failed.stderr.splitlines()[-1]
    check = [line for line in ours.run("../build/src/api/orield", "--check", port=port).stdout.splitlines()
             if line.split()[1] == "port"]
    assert check[0].startswith("failed") and "the gateway of another Oriel" in check[0]
    theirs.run("daemon", "stop", "oriel-gateway", port=port)
    done = ours.run("daemon", "start", "oriel-gateway", port=port)
    assert done.returncode == 0, done.stderr
    with socket.create_connection(("127.0.0.1", port)):
        pass


def test_another_port_while_it_runs(checkouts):
    ours = checkouts[0]
    port, other = free_port(), free_port()
    assert ours.run("daemon", "start", "oriel-gateway", port=port).returncode == 0
    refused = ours.run("up", port=other)
    assert refused.returncode != 0
    assert refused.stderr == f'Oriel runs on port {port} already: "make down" first, or "ORIEL_PORT={port} make up".\n'


@pytest.mark.parametrize("port", ["abc", "99999"])
def test_a_port_that_is_none(checkouts, port):
    ours = checkouts[0]
    assert ours.run("daemon", "start", "orield", port=free_port()).returncode == 0
    for words in (("up",), ("daemon", "start", "orield")):
        refused = ours.run(*words, port=port)
        assert refused.returncode != 0
        assert f'"{port}" is not a whole number from 1 to 65535' in refused.stderr.splitlines()[-1]
