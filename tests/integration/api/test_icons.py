"""Icons of pools: uploaded, checked, shown to those who may use the pool."""

import base64
import struct
import zlib

import pytest


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"\x20\x80\xe0\xff" * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def text(data):
    return base64.b64encode(data).decode()


GOOD = png(64, 64)


@pytest.fixture(scope="module")
def pool(house):
    house.local.do("POST", "pools", {"name": "iconic", "image": "mini", "spares": 0})
    return "iconic"


@pytest.mark.parametrize("body, status", [
    ({}, 422), ({"png": ""}, 422), ({"png": 1}, 422), ({"png": "%%%"}, 422), ({"png": text(b"<svg/>")}, 422),
    ({"png": text(GOOD[:-30])}, 422), ({"png": text(png(513, 8))}, 422), ({"png": text(GOOD + b"x" * 70000)}, 413),
])
def test_refused(house, pool, body, status):
    assert house.local.call("PUT", f"pools/{pool}/icon", body).status == status
    assert house.local.get(f"pools/{pool}")["icon"] is False


def test_shown_to_whom_it_concerns(house, pool):
    house.make_user("ike")
    house.make_user("ivy")
    ike, ivy = house.token_client("ike"), house.token_client("ivy")
    house.local.do("PUT", f"pools/{pool}/entitlements/users/ike")
    assert house.local.call("GET", f"pools/{pool}/icon").status == 404
    assert ike.get("portal")["tiles"][0]["pool"]["icon"] is None
    house.local.do("PUT", f"pools/{pool}/icon", {"png": text(GOOD)})
    assert house.local.get(f"pools/{pool}")["icon"] is True
    version = ike.get("portal")["tiles"][0]["pool"]["icon"]
    assert version > 0
    answer = ike.call("GET", f"pools/{pool}/icon", query={"v": str(version)})
    assert (answer.status, answer.body) == (200, GOOD)
    assert ivy.call("GET", f"pools/{pool}/icon").status == 404
    assert ike.refused("PUT", f"pools/{pool}/icon", {"png": text(GOOD)}) == (403, "forbidden")
    house.local.do("PUT", f"pools/{pool}/icon", {"png": text(png(16, 16))})
    assert ike.get("portal")["tiles"][0]["pool"]["icon"] > version
    house.local.do("DELETE", f"pools/{pool}/icon")
    house.local.do("DELETE", f"pools/{pool}/icon")
    assert ike.get("portal")["tiles"][0]["pool"]["icon"] is None
    done = [one["action"] for one in house.local.get("events")["items"]]
    assert done.count("pool.icon.set") == 2 and done.count("pool.icon.remove") == 1
