"""A real OpenLDAP server on loopback, with a certificate authority of its own and the parts of Active Directory's schema that matter."""

import pathlib
import shutil
import socket
import subprocess
import tempfile

from stack import free_port, wait_until

SUFFIX = "dc=example,dc=org"
ROOT, ROOT_PASSWORD = f"cn=root,{SUFFIX}", "the root's secret"
SERVICE, SERVICE_PASSWORD = f"cn=oriel,ou=services,{SUFFIX}", "the service's secret"

SCHEMA = """
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.656 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP inetOrgPerson STRUCTURAL MAY ( sAMAccountName $ userPrincipalName $ objectGUID $ userAccountControl ) )
objectclass ( 1.2.840.113556.1.3.30 NAME 'computer' SUP user STRUCTURAL )
objectclass ( 1.2.840.113556.1.5.8 NAME 'group' SUP top STRUCTURAL MUST cn MAY ( member $ sAMAccountName $ objectGUID $ description ) )
"""

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
include {folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
sizelimit size=200 size.prtotal=unlimited
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database mdb
suffix "{suffix}"
rootdn "{root}"
rootpw "{root_password}"
directory {folder}/data
maxsize 67108864
index objectClass,uid,cn,member,sAMAccountName,entryUUID eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read by users read by anonymous auth
"""


class Authority:
    def __init__(self, folder, name="Test authority"):
        self.folder, self.name = pathlib.Path(folder), name
        self.key, self.certificate = self.folder / "authority.key", self.folder / "authority.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                "-keyout", self.key, "-out", self.certificate)

    @property
    def pem(self):
        return self.certificate.read_text()

    def issue(self, name, alternatives, days=30):
        """(certificate, key)"""
        stem = self.folder / f"{name}-{days}"
        request, key, certificate, extra = (stem.with_suffix(end) for end in (".csr", ".key", ".crt", ".ext"))
        extra.write_text(f"subjectAltName={alternatives}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", str(days), "-extfile", extra, "-out", certificate)
        return certificate, key


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Slapd:
    def __init__(self, authority, certificate, key, ldif):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="oriel-slapd-"))
        self.port, self.tls_port, self.process = free_port(), free_port(), None
        (self.folder / "data").mkdir()
        (self.folder / "ad.schema").write_text(SCHEMA)
        self.conf = self.folder / "slapd.conf"
        self.conf.write_text(CONF.format(folder=self.folder, ca=authority.certificate, certificate=certificate, key=key,
                                         suffix=SUFFIX, root=ROOT, root_password=ROOT_PASSWORD, service=SERVICE))
        loaded = subprocess.run(["/usr/sbin/slapadd", "-q", "-f", self.conf], input=ldif, text=True, capture_output=True)
        assert loaded.returncode == 0, loaded.stderr
        self.start()

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/slapd", "-d", "0", "-f", self.conf,
                 "-h", f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"], stdout=log, stderr=log)

        def answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
                return True
            except OSError:
                return False
        wait_until(answers, 60, "slapd")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def destroy(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def change(self, ldif):
        done = subprocess.run(["ldapmodify", "-a", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", ROOT, "-w", ROOT_PASSWORD],
                              input=ldif, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr

    @property
    def url(self):
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self):
        return f"ldaps://127.0.0.1:{self.tls_port}"


def entry(dn, **attributes):
    lines = [f"dn: {dn}"]
    for name, values in attributes.items():
        for value in values if isinstance(values, (list, tuple)) else [values]:
            if isinstance(value, bytes):
                import base64
                lines.append(f"{name}:: {base64.b64encode(value).decode()}")
            else:
                lines.append(f"{name}: {value}")
    return "\n".join(lines) + "\n\n"


def unit(name):
    return entry(f"ou={name},{SUFFIX}", objectClass="organizationalUnit", ou=name)


def person(uid, password, **more):
    return entry(f"uid={uid},ou=people,{SUFFIX}", objectClass="inetOrgPerson", uid=uid, cn=more.pop("cn", uid.title()), sn=uid,
                 userPassword=password, mail=f"{uid}@example.org", **more)


def group(name, *members):
    return entry(f"cn={name},ou=groups,{SUFFIX}", objectClass="groupOfNames", cn=name, member=members)


def base():
    return (entry(SUFFIX, objectClass=["dcObject", "organization"], dc="example", o="Example") +
            "".join(unit(name) for name in ("people", "groups", "services", "ad")) +
            entry(SERVICE, objectClass=["organizationalRole", "simpleSecurityObject"], cn="oriel", userPassword=SERVICE_PASSWORD))


def people(uid):
    return f"uid={uid},ou=people,{SUFFIX}"


def groups(name):
    return f"cn={name},ou=groups,{SUFFIX}"
