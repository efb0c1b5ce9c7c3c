"""The gateway killed under a picture; orield stopped, killed and started under a picture that goes on."""

import threading

from house import LONG, person
from stack import wait_until
from test_first_light import Display
from test_kill_machine import is_closed, looking


class Flow(threading.Thread):
    """Asks for picture after picture and counts what comes."""

    def __init__(self, display, size):
        super().__init__(daemon=True)
        self.display, self.size = display, size
        self.got, self.error, self.enough = 0, None, False
        display.sock.settimeout(LONG)
        self.start()

    def run(self):
        try:
            while not self.enough:
                self.display.send(bytes([3, 0, 0, 0, 0, 0]) + self.size[0].to_bytes(2, "big") + self.size[1].to_bytes(2, "big"))
                kind, data = self.display.message()
                assert kind == 2, kind
                self.got += len(data)
        except Exception as error:  # told by goes_on
            self.error = error

    def goes_on(self):
        """More comes, from now on."""
        before = self.got

        def more():
            assert self.error is None, self.error
            return self.got > before + 1000
        wait_until(more, LONG, "more of the picture")


def test_gateway_killed(house):
    given, display = looking(house, person(0))
    session = given["session"]["id"]
    house.gateway.kill()
    house.gateway.wait()
    house.gateway = None
    assert is_closed(display)
    wait_until(lambda: house.local.get(f"sessions/{session}")["state"] == "disconnected", LONG, "the disconnected session")
    house.start_gateway()
    again, display = looking(house, person(0))
    assert (again["session"]["id"], again["desktop"]["id"]) == (session, given["desktop"]["id"])
    assert display.ask_picture(64, 64) == 0
    house.check()


def test_gateway_killed_in_the_handshake(house):
    """A ticket is used up or not; either way the next click is good, and no viewer is counted for ever."""
    given = house.connected(person(0))
    for delay in (0.0, 0.005, 0.02, 0.05):
        ticket = house.answered(person(0))
        end = threading.Timer(delay, house.gateway.kill)
        end.start()
        try:
            Display(house, ticket["path"]).close()
        except (OSError, AssertionError):
            pass
        except Exception as error:  # the TLS library has its own
            assert "SSL" in type(error).__name__, error
        end.join()
        house.gateway.wait()
        house.gateway = None
        house.start_gateway()
    session = given["session"]["id"]
    wait_until(lambda: house.local.get(f"sessions/{session}")["state"] == "disconnected", LONG, "the disconnected session")
    again, display = looking(house, person(0))
    assert again["session"]["id"] == session
    display.close()
    house.check()


def test_picture_goes_on(house):
    given, display = looking(house, person(0))
    session = given["session"]["id"]
    flow = Flow(display, (640, 400))
    flow.goes_on()
    house.kill()
    flow.goes_on()
    house.start()
    flow.goes_on()
    assert house.local.get(f"sessions/{session}")["state"] == "connected"
    house.stop(machines=False)
    flow.goes_on()
    house.start()
    flow.goes_on()
    assert house.local.get(f"sessions/{session}")["state"] == "connected"
    house.check()
    flow.enough = True
    flow.join(LONG)
    assert flow.error is None, flow.error
