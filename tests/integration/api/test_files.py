"""The web files."""


def test_index_and_etag(house):
    page = house.local.raw("GET", "/")
    assert page.status == 200 and b"<!doctype html>" in page.body
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    again = house.local.raw("GET", "/", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status == 304 and again.body == b""


def test_assets(house):
    web = house.share / "web"
    (web / "app-ABCDEFG2.js").write_text("let x = 1;\n" * 10000)
    (web / "app-ABCDEFG2.js.gz").write_bytes(b"\x1f\x8bpacked")
    plain = house.local.raw("GET", "/app-ABCDEFG2.js")
    assert plain.status == 200 and len(plain.body) == 110000
    assert plain.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" in plain.headers["Cache-Control"]
    packed = house.local.raw("GET", "/app-ABCDEFG2.js", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip" and packed.body == b"\x1f\x8bpacked"


def test_nothing_else(house):
    (house.share / "web" / "link.txt").symlink_to("/etc/passwd")
    (house.share / "web" / ".secret").write_text("x")
    for target in ("/link.txt", "/.secret", "/nothing", "/index.html/", "//etc/passwd", "/recipes/debian-minimal.recipe"):
        answer = house.local.raw("GET", target)
        assert answer.status == 404 and answer.headers["Content-Type"] == "application/problem+json", target
