"""The program: its certificate, its answers to a bad start, and what it has given up."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import time

import pytest
from gateway_fake import BINARY, PATIENCE, FakeOrield


def fingerprint(gateway):
    text = ssl.get_server_certificate(("127.0.0.1", gateway.port))
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest().upper()
    return ":".join(re.findall("..", digest))


def make_certificate(folder, name, days="30"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", days, "-subj", f"/CN={name}", "-keyout", folder / "key", "-out", folder / "cert"],
                   check=True, capture_output=True)
    return folder / "cert", folder / "key"


def replace(source, target):
    """As a careful tool does it: beside, then renamed."""
    beside = target.with_suffix(".new")
    shutil.copy(source, beside)
    os.rename(beside, target)


def run(gateway, *arguments, **environment):
    return subprocess.run([gateway.program, *arguments], env=gateway.environment(**environment), capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


def test_first_start_makes_a_certificate(gateway):
    key = gateway.state / "tls" / "key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    shown = fingerprint(gateway)
    gateway.wait_log(shown)
    assert run(gateway, "--fingerprint").stdout == shown + "\n"
    text = subprocess.run(["openssl", "x509", "-in", gateway.state / "tls" / "certificate.pem", "-noout", "-text"],
                          capture_output=True, text=True, check=True).stdout
    for word in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1", "TLS Web Server Authentication",
                 "P-256", "CA:FALSE"):
        assert word in text


def test_the_certificate_is_valid_for_localhost(gateway):
    context = ssl.create_default_context(cafile=str(gateway.state / "tls" / "certificate.pem"))
    for name in ("localhost", "127.0.0.1"):
        with socket.create_connection(("127.0.0.1", gateway.port), PATIENCE) as raw:
            context.wrap_socket(raw, server_hostname=name).close()


def test_second_start_keeps_the_certificate(gateway):
    before = fingerprint(gateway)
    gateway.stop()
    gateway.start()
    assert fingerprint(gateway) == before


@pytest.mark.parametrize("how", ["files", "signal"])
def test_a_new_certificate_without_a_dropped_display(display, gateway, tmp_path, how):
    browser, machine = display
    before = fingerprint(gateway)
    made = tmp_path / "made"
    made.mkdir()
    certificate, key = make_certificate(made, "new")
    replace(key, gateway.state / "tls" / "key.pem")
    replace(certificate, gateway.state / "tls" / "certificate.pem")
    if how == "signal":
        gateway.process.send_signal(signal.SIGHUP)
    gateway.wait_log("new certificate in use")
    assert fingerprint(gateway) != before
    machine.sendall(b"still here")
    assert browser.hear() == (BINARY, b"still here")
    browser.say(b"me too")
    assert machine.recv(100) == b"me too"


@pytest.mark.parametrize("what", ["rubbish", "other key", "missing", "chain"])
def test_a_broken_certificate_leaves_the_old_one(gateway, orield, tmp_path, what):
    before = fingerprint(gateway)
    made = tmp_path / "made"
    made.mkdir()
    certificate, _key = make_certificate(made, "new")
    place = gateway.state / "tls" / "certificate.pem"
    if what == "rubbish":
        place.write_text("rubbish")
    elif what == "other key":
        replace(certificate, place)
    elif what == "missing":
        place.unlink()
        gateway.process.send_signal(signal.SIGHUP)
    else:
        place.write_text(place.read_text() + "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")
    gateway.wait_log("the certificate in use stays")
    assert fingerprint(gateway) == before
    assert gateway.browser().get("/hello")[0] == 200


def test_a_certificate_behind_links_is_followed(idle_gateway, orield, tmp_path):
    """As certbot keeps it: live/ holds links into archive/."""
    live, archive = tmp_path / "live", tmp_path / "archive"
    live.mkdir()
    for name in ("1", "2"):
        folder = archive / name
        folder.mkdir(parents=True)
        for source, kind in zip(make_certificate(folder, name), ("cert", "key")):
            source.rename(archive / (kind + name))
    for kind in ("cert", "key"):
        (live / kind).symlink_to(archive / (kind + "1"))
    idle_gateway.start(ORIEL_CERTIFICATE=str(live / "cert"), ORIEL_CERTIFICATE_KEY=str(live / "key"))
    before = fingerprint(idle_gateway)
    for kind in ("key", "cert"):
        (live / "new").symlink_to(archive / (kind + "2"))
        os.rename(live / "new", live / kind)
    idle_gateway.wait_log("new certificate in use")
    assert fingerprint(idle_gateway) != before


def test_an_own_certificate_that_is_missing_is_not_made(idle_gateway, tmp_path):
    result = run(idle_gateway, ORIEL_CERTIFICATE=str(tmp_path / "mine.pem"))
    assert result.returncode != 0
    assert "there is no such file" in result.stderr and not (tmp_path / "mine.pem").exists()


def test_a_certificate_that_ends_soon_is_said(idle_gateway, tmp_path):
    tls = idle_gateway.state / "tls"
    tls.mkdir()
    certificate, key = make_certificate(tmp_path, "short", days="3")
    shutil.copy(certificate, tls / "certificate.pem")
    shutil.copy(key, tls / "key.pem")
    idle_gateway.start()
    idle_gateway.wait_log("ends in")


def test_a_key_with_a_password_is_refused_without_asking(idle_gateway, tmp_path):
    certificate, key = make_certificate(tmp_path, "locked")
    locked = tmp_path / "locked"
    subprocess.run(["openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:x", "-out", locked], check=True,
                   capture_output=True)
    result = run(idle_gateway, ORIEL_CERTIFICATE=str(certificate), ORIEL_CERTIFICATE_KEY=str(locked))
    assert result.returncode != 0 and "without a password" in result.stderr


def test_a_port_in_use_is_a_sentence(gateway, tmp_path):
    result = run(gateway)
    assert result.returncode != 0
    assert f"port {gateway.port} is in use" in result.stderr and "ORIEL_PORT=" in result.stderr


def test_a_wrong_address_is_a_sentence(idle_gateway):
    result = run(idle_gateway, ORIEL_LISTEN="198.51.100.1")
    assert result.returncode != 0 and "this host has no such address" in result.stderr
    result = run(idle_gateway, ORIEL_LISTEN="nonsense")
    assert result.returncode != 0 and "not an address" in result.stderr


def test_one_address_only(idle_gateway, orield):
    idle_gateway.start(ORIEL_LISTEN="127.0.0.1")
    assert idle_gateway.browser().get("/hello")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        idle_gateway.browser(address="::1")


def test_a_deep_runtime_folder(idle_gateway, tmp_path):
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    here = os.getcwd()
    idle_gateway.start(ORIEL_RUNTIME=str(deep))
    os.chdir(deep)
    try:
        fake = FakeOrield(".").start()
    finally:
        os.chdir(here)
    assert idle_gateway.browser().get("/hello")[0] == 200
    fake.stop()


def status(gateway):
    text = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text(encoding="ascii")
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_nothing_is_left_of_its_rights(gateway):
    now = status(gateway)
    assert now["NoNewPrivs"] == "1"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(now[kind], 16) == 0
    if "build-asan" not in str(gateway.program):
        assert now["Seccomp"] == "2"
    limits = pathlib.Path(f"/proc/{gateway.process.pid}/limits").read_text(encoding="ascii")
    assert re.search(r"Max core file size\s+0\s+0\s", limits)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_becomes_the_user_of_the_configuration(idle_gateway, orield, tmp_path):
    os.chmod(orield.path, 0o666)
    folder = tmp_path
    while folder != pathlib.Path("/tmp"):
        os.chmod(folder, 0o755)
        folder = folder.parent
    idle_gateway.start(ORIEL_GATEWAY_USER="nobody")
    assert status(idle_gateway)["Uid"].split() == ["65534"] * 4
    assert idle_gateway.browser().get("/hello")[0] == 200
    idle_gateway.process.send_signal(signal.SIGHUP)  # it can still read its key
    assert idle_gateway.browser().get("/hello")[0] == 200
    time.sleep(0.1)
    assert not any("stays" in line for line in idle_gateway.log)


def plain_user():
    """Who runs `make up` without root; the gateway then hides its links in /proc from its own user."""
    return 65534 if os.geteuid() == 0 else None


def test_the_host_check_knows_its_own_gateway(idle_gateway, tmp_path):
    folder = tmp_path
    while folder != pathlib.Path("/tmp"):
        os.chmod(folder, 0o755)
        folder = folder.parent
    if plain_user():
        for owned in (idle_gateway.state, idle_gateway.runtime):
            os.chown(owned, plain_user(), plain_user())
    idle_gateway.user = plain_user()
    idle_gateway.start()

    def port_check(**environment):
        orield = idle_gateway.program.parents[1] / "api" / "orield"
        # Without QEMU in PATH no guest is started.
        done = subprocess.run([orield, "--check", "--json"], env=idle_gateway.environment(PATH="/nonexistent", **environment),
                              user=plain_user(), capture_output=True, text=True, timeout=PATIENCE, check=False)
        return [check for check in json.loads(done.stdout)["checks"] if check["name"] == "port"][0]

    pid = idle_gateway.process.pid
    assert port_check() == {"name": "port", "state": "ok",
                            "sentence": f"Port {idle_gateway.port} is held by this Oriel's gateway (process {pid})."}
    other = tmp_path / "other"
    other.mkdir()
    if plain_user():
        os.chown(other, plain_user(), plain_user())
    assert port_check(ORIEL_STATE=str(other))["state"] == "failed"  # another Oriel's port is taken
    idle_gateway.stop()
    assert port_check()["sentence"] == f"Port {idle_gateway.port} is free."


def test_a_state_folder_that_cannot_be_written_is_no_hindrance(idle_gateway, tmp_path):
    (idle_gateway.state / "gateway.lock").mkdir()
    idle_gateway.start()
    idle_gateway.wait_log("cannot be held")


def test_an_unknown_user_is_a_sentence(idle_gateway):
    if os.geteuid() == 0:
        assert "this host has no such user" in run(idle_gateway, ORIEL_GATEWAY_USER="no-such").stderr
