"""The Debian package in a Debian with systemd: what `apt install` starts, what a restart, an upgrade and a removal leave."""

import json
import re
import subprocess

import pytest
from stack import ROOT
from systemd_machine import Machine, dependencies, make_disk

INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends --reinstall /root/oriel.deb"
UNITS = "oriel oriel-gateway oriel-machines"
ANSWERS = ("for i in $(seq 240); do curl -sk https://127.0.0.1:{port}/api/v1/health | grep -q '\"ok\"' && exit 0; sleep 0.5; done; "
           "systemctl status --no-pager " + UNITS + "; exit 1")


@pytest.fixture(scope="module")
def machine():
    subprocess.run([ROOT / "scripts/deb"], check=True)
    package = max((ROOT / "build").glob("oriel_*.deb"), key=lambda one: one.stat().st_mtime)
    make_disk(dependencies(package))
    one = Machine({"oriel.deb": package})
    try:
        one.run(INSTALL)
        yield one
    finally:
        one.close()


def answers(machine, port=8443):
    machine.run(ANSWERS.format(port=port))


def show(machine, unit, *properties):
    said = machine.run(f"systemctl show {unit} " + " ".join(f"-p {one}" for one in properties))
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def limit(name):
    return int(re.search(rf"#define {name} (\d+)", (ROOT / "src/base/limits.h").read_text()).group(1))


def test_apt_install_starts_it(machine):
    answers(machine)
    assert machine.run(f"systemctl is-active orield {UNITS}").split() == ["active"] * 4
    assert "<title>Oriel</title>" in machine.run("curl -sk https://127.0.0.1:8443/")
    for unit in ("oriel", "oriel-gateway"):
        assert show(machine, unit, "NRestarts") == {"NRestarts": "0"}
    files = int(show(machine, "oriel-gateway", "LimitNOFILE")["LimitNOFILE"])
    assert files > 2 * limit("LIMIT_GATEWAY_CLIENTS")
    status = machine.run("cat /proc/$(pidof oriel-gateway)/status")
    assert re.search(r"NoNewPrivs:\t1", status) and re.search(r"CapEff:\t0+\n", status)


def test_the_command(machine):
    assert json.loads(machine.run("oriel status --json"))["accelerator"]["name"] == "tcg"
    said = machine.run("oriel doctor")
    assert "as oriel" not in said and "without root" in said and "failed" not in said
    assert "/#/setup/" in machine.run("oriel user link admin")
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", machine.run(
        "ORIEL_STATE=/var/lib/oriel-gateway oriel-gateway --fingerprint"))
    assert machine.shell("su -s /bin/sh nobody -c 'oriel user list'")[0] == 77


def test_machines_outlive_restart_stop_and_upgrade(machine):
    # a stranger in the unit's control group, as QEMU is
    child = machine.run("sleep infinity >/dev/null 2>&1 & echo $!; echo $! >/sys/fs/cgroup/system.slice/oriel.service/cgroup.procs")
    gateway = show(machine, "oriel-gateway", "MainPID")
    machine.run("systemctl restart oriel")
    answers(machine)
    assert show(machine, "oriel-gateway", "MainPID") == gateway, "displays go on"
    machine.run("systemctl stop oriel")
    assert "503" in machine.run("curl -sk -o /dev/null -w '%{http_code}' https://127.0.0.1:8443/")
    machine.run("systemctl start oriel")
    watch = show(machine, "oriel-machines", "InvocationID")
    machine.run(INSTALL)
    answers(machine)
    assert show(machine, "oriel-machines", "InvocationID") == watch, "to restart it is to end all machines"
    machine.run(f"kill {child}")


def test_when_the_host_goes_down_machines_end_first(machine):
    machine.run("systemctl stop oriel-machines")
    assert "orield and its machines have ended" in machine.run("journalctl --no-pager -o cat -u oriel-machines")
    assert machine.shell("systemctl is-active oriel")[1] == "inactive"
    machine.run("systemctl start oriel-machines")
    answers(machine)


def test_a_port_below_1024(machine):
    machine.run("echo 'port = 443' >>/etc/oriel/oriel.conf; systemctl restart oriel oriel-gateway")
    answers(machine, 443)


def test_remove_keeps_state_and_purge_does_not(machine):
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get remove -qq oriel")
    assert machine.shell("pidof orield oriel-gateway")[0] == 1
    machine.run("ls /etc/oriel/oriel.conf /var/lib/oriel/oriel.db /var/lib/oriel-gateway/tls/key.pem")
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get purge -qq oriel")
    left = machine.run("find / -xdev -name '*oriel*' -not -path '/proc/*' -not -path '/root/*' -not -path '/tmp/*'; ls -d /run/oriel* || :")
    assert not [line for line in left.splitlines() if "No such file" not in line], left
