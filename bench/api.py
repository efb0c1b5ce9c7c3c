"""API requests a second through the gateway, held against nginx that returns a constant over TLS. Same client (wrk), same
number of connections, in turn."""

import pathlib
import re
import signal
import subprocess
import tempfile
import time

from report import row
from service import Service, free_port

SECONDS = 5
NGINX = """daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};
    location / {{ default_type application/json; return 200 '{{"status":"ok","version":"0"}}'; }} }} }}
"""


def requests_per_second(url, headers=()):
    command = ["wrk", "-t1", "-c16", f"-d{SECONDS}s", *[part for h in headers for part in ("-H", h)], url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def nginx_per_second(certificate, key):
    with tempfile.TemporaryDirectory(prefix="oriel-bench-") as folder:
        port = free_port()
        text = NGINX.format(folder=folder, port=port, certificate=certificate, key=key)
        configuration = pathlib.Path(folder, "nginx.conf")
        configuration.write_text(text, encoding="ascii")
        server = subprocess.Popen(["/usr/sbin/nginx", "-c", configuration, "-e", f"{folder}/error.log"])
        try:
            time.sleep(1)
            return requests_per_second(f"https://127.0.0.1:{port}/api/v1/health")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def measure(images, image):
    with Service(images, ORIEL_WAITING=0) as service:
        service.user("reader")
        browser = service.browser("reader")
        url = f"https://127.0.0.1:{service.port}/api/v1"
        health = requests_per_second(f"{url}/health")
        portal = requests_per_second(f"{url}/portal", [browser.cookie_header()])
        limit = nginx_per_second(service.state / "tls/certificate.pem", service.state / "tls/key.pem")
    return [row("api_health_per_second", health, "1/s", "nginx, a constant, TLS", limit),
            row("api_portal_per_second", portal, "1/s", "nginx, a constant, TLS", limit)]
