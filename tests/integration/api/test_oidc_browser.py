"""The login button of an OpenID provider, in a real Chromium: the pages, orield, the gateway and the provider are real."""

import pathlib
import subprocess

import pytest

import fake_images
import stack
from openid import SECRET, OpenIdProvider


@pytest.fixture
def shown(tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    assert (stack.ROOT / "web" / "dist" / "index.html").is_file(), "web/dist is not built: scripts/build all"
    (share / "web").symlink_to(stack.ROOT / "web" / "dist")
    (share / "recipes").symlink_to(stack.ROOT / "images")
    (share / "guest").symlink_to(pathlib.Path(stack.BUILD) / "src" / "guest")
    one = stack.Orield(program="orield-simulated", share=share)
    one.environment["ORIEL_PUBLIC_URL"] = f"https://localhost:{one.port}"
    fake_images.make(one.state / "images", "mini", 1)
    provider = OpenIdProvider(f"https://localhost:{one.port}/api/v1/login/provider/test/callback", algorithm="ES256")
    try:
        provider.start()
        one.start()
        one.start_gateway()
        one.local.do("POST", "directories", {
            "name": "test", "display_name": "Our company", "kind": "oidc", "secret": SECRET,
            "settings": {"issuer": provider.issuer, "client_id": "oriel"}})
        yield one
    finally:
        if provider.process:
            provider.stop()
        one.destroy()


def test_log_in_by_the_button(shown):
    told = subprocess.run(["node", str(stack.ROOT / "tests" / "browser" / "provider.mjs")], capture_output=True, text=True, timeout=300,
                          env={**shown.environment, "ORIEL_TEST_URL": f"https://localhost:{shown.port}/"})
    assert told.returncode == 0, told.stdout + told.stderr
    assert shown.local.get("users/petra")["display_name"] == "Person petra"
    assert shown.local.items("logins", user="petra") == []
