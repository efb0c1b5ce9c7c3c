"""The configuration of nginx that the manual gives, before the real gateway, with a real desktop in a real browser."""

import json
import os
import pathlib
import re
import subprocess

import pytest
from stack import PASSWORD, ROOT, free_port, wait_until

BOOT_SECONDS = 400  # TCG, on a busy machine
HERE = pathlib.Path(__file__).resolve().parent
AROUND = """daemon off; pid nginx.pid; error_log nginx.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    types {{ text/html html; }}
    access_log access.log;
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
{}
}}
"""


def manual_block():
    """What the manual says under "Behind a reverse proxy"."""
    section = (ROOT / "docs" / "manual.md").read_text().split("## Behind a reverse proxy")[1].split("\n## ")[0]
    return re.search(r"```nginx\n(.*?)```", section, re.DOTALL).group(1)


def put(text, *pairs):
    for old, new in pairs:
        assert text.count(old) == 1, f"the manual's configuration has {old!r} {text.count(old)} times"
        text = text.replace(old, new)
    return text


@pytest.fixture
def proxy(tmp_path):
    """(port, start): nginx with the manual's configuration; start(gateway's port) runs it."""
    port = free_port()
    made = []

    def start(gateway_port):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", tmp_path / "key.pem", "-out", tmp_path / "certificate.pem", "-days", "2",
                        "-subj", "/CN=127.0.0.1"], check=True, capture_output=True)
        block = put(manual_block(), ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"), ("desk.example;", "127.0.0.1;"),
                    ("/etc/ssl/desk.pem", f"{tmp_path}/certificate.pem"), ("/etc/ssl/desk.key", f"{tmp_path}/key.pem"),
                    ("127.0.0.1:8443", f"127.0.0.1:{gateway_port}"))
        (tmp_path / "nginx.conf").write_text(AROUND.format(block))
        made.append(subprocess.Popen(["/usr/sbin/nginx", "-p", tmp_path, "-e", "stderr", "-c", tmp_path / "nginx.conf"],
                                     stdin=subprocess.DEVNULL))
        wait_until(lambda: (tmp_path / "nginx.pid").exists() or made[0].poll() is not None, 30, "nginx")
        assert made[0].poll() is None, "nginx did not start"
    yield port, start
    for process in made:
        process.terminate()
        process.wait(20)


def test_desktop_behind_a_path_prefix(proxy, make_orield, images, tmp_path):
    port, start_proxy = proxy
    url = f"https://127.0.0.1:{port}/oriel"
    assert (ROOT / "web/dist/index.html").exists(), "the web pages are not built: scripts/web"
    orield = make_orield(images=images, environment={"ORIEL_PUBLIC_URL": url})
    web = orield.share / "web"
    (web / "index.html").unlink()
    web.rmdir()
    web.symlink_to(ROOT / "web" / "dist")
    orield.start().start_gateway()
    start_proxy(orield.port)
    local = orield.local
    local.do("POST", "pools", {"name": "demo", "image": "debian-minimal", "size": 1, "spares": 1})
    orield.make_user("anna")
    local.do("PUT", "pools/demo/entitlements/users/anna", status=204)
    assert local.do("POST", "users/anna/link")["url"].startswith(url + "/#/setup/")
    wait_until(lambda: any(one["state"] == "running" for one in local.items("desktops")), BOOT_SECONDS, "a desktop")

    seen = subprocess.run(["node", HERE / "reverse_proxy.mjs"], capture_output=True, text=True, timeout=900,
                          env={**os.environ, "ORIEL_TEST_URL": url + "/", "ORIEL_TEST_POOL": "demo",
                               "ORIEL_TEST_PERSON": f"anna:{PASSWORD}"})
    assert seen.returncode == 0, seen.stdout + seen.stderr
    facts = json.loads(seen.stdout)
    print(facts)
    assert facts["width"] >= 640 and facts["colours"] >= 2
    assert orield.stop() == 0
