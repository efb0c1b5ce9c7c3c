"""Fixtures for every integration test; stack.py has the classes."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import small_xfce as small_xfce_image  # noqa: E402
import stack  # noqa: E402


@pytest.fixture(scope="session")
def images():
    """A folder with debian-minimal/VERSION/...; tests that need machines depend on it."""
    folder = os.environ.get("ORIEL_TEST_IMAGES")
    if not folder or not any(pathlib.Path(folder).glob("debian-minimal/*/manifest.json")):
        pytest.skip("no test images: scripts/test-images builds them, ORIEL_TEST_IMAGES names their folder")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def small_xfce():
    """A folder with the image small-xfce."""
    return small_xfce_image.build()


@pytest.fixture
def make_orield():
    """A function that makes Orields; all are stopped and removed at the end."""
    made = []

    def make(**options):
        made.append(stack.Orield(**options))
        return made[-1]
    yield make
    for one in made:
        one.destroy()


@pytest.fixture(scope="module")
def orield():
    """A running orield without images, shared by the tests of a module: each makes objects of its own names."""
    one = stack.Orield()
    try:
        yield one.start()
    finally:
        one.destroy()


@pytest.fixture
def orield_with_machines(make_orield, images):
    """A running orield and gateway of its own, with the image debian-minimal."""
    return make_orield(images=images).start().start_gateway()
