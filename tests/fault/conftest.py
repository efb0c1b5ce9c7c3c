"""The house is furnished once a session: one boot of the image. Each test gets it as it was then."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import house as house_module  # noqa: E402


@pytest.fixture(scope="session")
def furnished():
    one = house_module.House(house_module.make_image())
    try:
        one.start()
        one.furnish()
        one.put_away()
        yield one
    finally:
        one.destroy()


@pytest.fixture
def cold_house(furnished):
    """Nothing runs; the state lies ready."""
    furnished.put_back()
    yield furnished
    furnished.stop_all()


@pytest.fixture
def house(cold_house):
    """orield and gateway run."""
    return cold_house.start().start_gateway()
