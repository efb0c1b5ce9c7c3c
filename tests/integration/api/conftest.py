"""orield with simulated machines and a fake image: the API's own tests need no QEMU."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import fake_images  # noqa: E402
import stack  # noqa: E402


def new_simulated():
    one = stack.Orield(program="orield-simulated")
    fake_images.make(one.state / "images", "mini", 1)
    return one


@pytest.fixture(scope="module")
def house():
    """Shared by the tests of a module, with users of every role, the image `mini` and no pools."""
    one = new_simulated()
    try:
        one.start()
        one.people = {}
        for role in ("admin", "operator", "helpdesk", "auditor", "user"):
            one.make_user(f"{role}1", [role])
            one.people[role] = one.token_client(f"{role}1")
        yield one
    finally:
        one.destroy()


@pytest.fixture
def fresh_house():
    """A running orield with simulated machines of the test's own."""
    one = new_simulated()
    try:
        yield one.start()
    finally:
        one.destroy()


@pytest.fixture
def stopped_house():
    one = new_simulated()
    try:
        yield one
    finally:
        one.destroy()
