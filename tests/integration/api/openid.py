"""A real OpenID provider (npm oidc-provider) on loopback, and a browser that follows its redirects."""

import http.client
import json
import subprocess
import urllib.parse

from stack import ROOT, Client, free_port

SECRET = "a secret: with %& signs+"


class OpenIdProvider:
    def __init__(self, redirect_uri, algorithm="RS256", environment=None):
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.redirect_uri, self.algorithm, self.environment = redirect_uri, algorithm, environment
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["node", str(ROOT / "tests" / "fixtures" / "oidc" / "provider.mjs"), str(self.port), self.redirect_uri],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "ORIEL_TEST_ALGORITHM": self.algorithm},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        assert line == "ready\n", line
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()
        self.process = None

    def post(self, path, body=""):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", path, body)
        assert connection.getresponse().status == 200
        connection.close()

    def rotate(self):
        self.post("/test/rotate")

    def person(self, sub, **claims):
        self.post("/test/person", json.dumps({"sub": sub, **claims}))


class Person:
    """A browser: cookies of the provider, cookies of Oriel, no scripts."""

    def __init__(self, house, provider, address="192.0.2.50", origin="https://localhost"):
        self.client = Client(house, gateway=True, address=address)
        self.provider, self.origin, self.jar, self.mine = provider, origin, {}, {}

    def keep(self, jar, headers):
        for line in headers:
            name, value = line.split(";")[0].split("=", 1)
            if "max-age=0" in line.lower() or not value:
                jar.pop(name, None)
            else:
                jar[name] = value

    def oriel(self, url):
        """One request to Oriel: (status, Location)."""
        target = url[len(self.origin):] if url.startswith(self.origin) else url
        connection = self.client.connection()
        cookies = "; ".join(f"{name}={value}" for name, value in self.mine.items())
        connection.request("GET", target, headers={"Cookie": cookies} if cookies else {})
        response = connection.getresponse()
        response.read()
        self.keep(self.mine, response.headers.get_all("Set-Cookie") or [])
        connection.close()
        self.set_cookie = response.headers.get_all("Set-Cookie") or []
        return response.status, response.headers.get("Location")

    def at_provider(self, url, form=None):
        """Through the provider's pages until it sends the browser elsewhere: that address."""
        while url.startswith(self.provider.issuer):
            connection = http.client.HTTPConnection("127.0.0.1", self.provider.port, timeout=30)
            cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
            at_form = "/interaction/" in url
            connection.request("POST" if at_form else "GET", url[len(self.provider.issuer):],
                               urllib.parse.urlencode(form) if at_form else None,
                               {"Cookie": cookies, **({"Content-Type": "application/x-www-form-urlencoded"} if at_form else {})})
            response = connection.getresponse()
            body = response.read().decode()
            self.keep(self.jar, response.headers.get_all("Set-Cookie") or [])
            connection.close()
            assert response.status in (302, 303), (url, response.status, body)
            url = urllib.parse.urljoin(url, response.headers["Location"])
        return url

    def begin(self, name="test"):
        status, location = self.oriel(f"/api/v1/login/provider/{name}")
        assert status == 302
        return location

    def log_in(self, name):
        """Where it ends."""
        callback = self.at_provider(self.begin(), {"name": name})
        status, location = self.oriel(callback)
        assert status == 302
        return location

    def enter(self, house):
        """A client with the cookie that this browser got."""
        client = Client(house, cookie=self.mine["__Host-oriel"], gateway=True, address=self.client.address)
        client.csrf = client.get("me")["csrf"]
        return client
