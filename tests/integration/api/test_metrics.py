"""What Prometheus reads, read by its own parser."""

from prometheus_client.parser import text_string_to_metric_families

from stack import wait_until


def families(client, target="/metrics"):
    answer = client.raw("GET", target)
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {family.name: family for family in text_string_to_metric_families(answer.body.decode())}


def value(found, name, **labels):
    values = [sample.value for sample in found[name].samples if labels.items() <= sample.labels.items()]
    assert len(values) == 1, (name, labels, found[name])
    return values[0]


def test_figures(house):
    local = house.local
    local.do("POST", "pools", {"name": "measured", "image": "mini", "size": 3, "spares": 1})
    wait_until(lambda: local.get("pools/measured")["counts"]["free"] >= 1, 60, "a spare")
    local.do("PUT", "pools/measured/entitlements/users/user1")
    local.do("POST", "pools/measured/connect", {"user": "user1"})
    found = families(local)
    assert value(found, "oriel_pool_size", pool="measured") == 3
    assert value(found, "oriel_pool_sessions", pool="measured") == 1
    assert value(found, "oriel_pool_desktops_assigned", pool="measured") == 1
    assert value(found, "oriel_pool_available", pool="measured") == 1
    assert value(found, "oriel_sessions", state="connecting") + value(found, "oriel_sessions", state="connected") == 1
    assert value(found, "oriel_host_service", service="open") == 1
    assert value(found, "oriel_memory_limit_bytes") > 0
    assert found["oriel_events"].type == "counter"
    assert set(found["oriel_info"].samples[0].labels) == {"version", "accelerator", "qemu", "store"}
    assert all(family.documentation for family in found.values())
    local.do("PATCH", "pools/measured", {"maintenance": True})
    assert value(families(local), "oriel_pool_available", pool="measured") == 0


def test_both_addresses_say_the_same(house):
    assert set(families(house.local)) == set(families(house.local, "/api/v1/metrics"))


def test_who_may_read_them(house):
    assert house.people["user"].raw("GET", "/metrics").status == 403
    assert house.people["helpdesk"].raw("GET", "/metrics").status == 403
    assert "oriel_info" in families(house.people["operator"])
    assert house.local.raw("POST", "/metrics").status == 405
