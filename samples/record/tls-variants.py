"""Records short WebSocket conversations over every kind of TLS that ws101 reads, OpenSSL's s_client and
s_server on both sides: tls-variants.pcap, .keys, and .truth.json with what each program printed that it
had received. Has to run as root on Linux: in a network of its own, whose packets are as long as Ethernet's.

unshare -n sh -c 'ip link set lo mtu 1500 gso_max_segs 1 up; python3 tls-variants.py'
"""

import base64, hashlib, json, os, subprocess, tempfile, time

TLS_1_3 = {
    "TLS_AES_128_GCM_SHA256": "aes-128-gcm", "TLS_AES_256_GCM_SHA384": "aes-256-gcm",
    "TLS_CHACHA20_POLY1305_SHA256": "chacha20", "TLS_AES_128_CCM_SHA256": "aes-128-ccm",
    "TLS_AES_128_CCM_8_SHA256": "aes-128-ccm-8",
}
TLS_1_2 = [
    "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305", "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-CHACHA20-POLY1305", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-CCM",
    "ECDHE-ECDSA-AES256-CCM", "ECDHE-ECDSA-AES128-CCM8", "AES256-CCM8", "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384", "AES128-SHA",
    "AES256-SHA", "AES128-SHA256", "AES256-SHA256", "DHE-RSA-AES256-SHA256",
]

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, payload, mask):
    head = bytes([0x80 | opcode, (0x80 if mask else 0) | len(payload)])
    key = os.urandom(4) if mask else b""
    body = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload)) if mask else payload
    return head + key + body


class Program:
    """An openssl that talks with us through pipes."""

    def __init__(self, arguments, environment):
        self.printed = tempfile.NamedTemporaryFile()
        self.process = subprocess.Popen(
            ["openssl", *arguments], stdin=subprocess.PIPE, stdout=self.printed,
            stderr=subprocess.DEVNULL, env={**os.environ, **environment})

    def say(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()
        time.sleep(0.02)

    def has_heard(self, data):
        for _ in range(250):
            with open(self.printed.name, "rb") as file:
                if data in file.read():
                    return
            time.sleep(0.02)
        raise SystemExit(f"{self.process.args}: {data} did not arrive")


class Recording:
    def __init__(self, folder):
        self.folder, self.port, self.truth = folder, 44400, []
        at = lambda name: os.path.join(folder, name)
        for name, key in {"rsa": ["rsa:2048"], "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}.items():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days", "2", "-subj", "/CN=localhost",
                 "-keyout", at(name + ".key"), "-out", at(name + ".pem")],
                check=True, stderr=subprocess.DEVNULL)
        with open(at("no-ems.cnf"), "w") as file:
            file.write("openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\n"
                       "Options=-ExtendedMasterSecret\n")
        listed = subprocess.run(["openssl", "ciphers", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
                                check=True, capture_output=True, text=True).stdout
        self.names = {line.split()[2]: line.split()[0] for line in listed.splitlines()}
        self.certificates = ["-cert", at("rsa.pem"), "-key", at("rsa.key"),
                             "-dcert", at("ec.pem"), "-dkey", at("ec.key")]

    def talk(self, name, version, cipher, server=(), client=(), turn=None, visits=({},), no_ems=False):
        """Conversations on one port, one after the other. `turn` is a command to one of the programs in
        the middle of each; a visit has more options of its client, and may send its request early."""
        self.port += 1
        flag = "-tls" + version.replace(".", "_")
        choose = ["-ciphersuites" if version == "1.3" else "-cipher",
                  cipher if version == "1.3" else cipher + ":@SECLEVEL=0"]
        listens = self.server(flag, choose, server, turn, len(visits), no_ems)
        time.sleep(0.3)
        standard = cipher if version == "1.3" else self.names[cipher]
        for number, visit in enumerate(visits, 1):
            said = self.visit(f"{name} {number}", listens, flag, choose, client, turn, visit)
            self.truth.append({"name": name, "port": self.port, "version": "TLS " + version,
                               "cipher_suite": standard, **said})
            print(self.port, name, number)
        listens.process.stdin.close()
        listens.process.terminate()

    def server(self, flag, choose, options, turn, visits, no_ems):
        quiet = [] if turn and turn[0] == "server" else ["-quiet"]
        environment = {"OPENSSL_CONF": os.path.join(self.folder, "no-ems.cnf")} if no_ems else {}
        return Program(["s_server", "-accept", str(self.port), "-naccept", str(visits), *self.certificates,
                        flag, *choose, *quiet, *options], environment)

    def visit(self, name, server, flag, choose, options, turn, visit):
        key = base64.b64encode(os.urandom(16))
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        request = (b"GET /chat HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % (self.port, key))
        answer = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept)
        early = []
        if visit.get("early"):
            path = os.path.join(self.folder, "early")
            with open(path, "wb") as file:
                file.write(request)
            early = ["-early_data", path]
        quiet = [] if turn and turn[0] == "client" else ["-quiet", "-no_ign_eof"]
        client = Program(["s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", "localhost", flag,
                          *choose, "-keylogfile", "tls-variants.keys", *quiet, *options,
                          *visit.get("options", []), *early], {})
        said = {"client": [], "server": []}

        def pass_on(sender, receiver, data):
            sender.say(data)
            receiver.has_heard(data)

        if early:
            server.has_heard(request)
        else:
            pass_on(client, server, request)
        pass_on(server, client, answer)
        for round in ["one", "two"]:
            text = f"{name}, round {round}"
            pass_on(client, server, frame(1, text.encode(), True))
            said["client"].append(text)
            pass_on(server, client, frame(1, text.upper().encode(), False))
            said["server"].append(text.upper())
            if turn and round == "one":
                {"client": client, "server": server}[turn[0]].say(turn[1])
                time.sleep(0.3)
        pass_on(client, server, frame(8, b"\x03\xe8", True))
        pass_on(server, client, frame(8, b"\x03\xe8", False))
        client.process.stdin.close()
        client.process.wait(5)
        return said


def record(recording):
    talk = recording.talk
    for suite, name in TLS_1_3.items():
        talk(name, "1.3", suite)
    for cipher in TLS_1_2:
        talk(cipher, "1.2", cipher)
    aes = "TLS_AES_128_GCM_SHA256"
    talk("HelloRetryRequest", "1.3", aes, ["-groups", "P-384"], ["-groups", "X25519:P-384"])
    talk("KeyUpdate of the client", "1.3", aes, turn=("client", b"k\n"))
    talk("KeyUpdate of both", "1.3", aes, turn=("client", b"K\n"))
    talk("KeyUpdate of the server", "1.3", aes, turn=("server", b"k\n"))
    talk("client authentication after the handshake", "1.3", aes, ["-verify", "1"],
         ["-enable_pha", "-cert", f"{recording.folder}/ec.pem", "-key", f"{recording.folder}/ec.key"],
         turn=("server", b"c\n"))
    talk("padding", "1.3", aes, ["-record_padding", "300"], ["-record_padding", "300"])
    long = ["-alpn", ",".join(letter * 250 for letter in "abcdefghijklmnop")]
    small = ["-max_send_frag", "512"]
    talk("messages over records, 1.3", "1.3", aes, small, [*small, *long])
    talk("messages over records, 1.2", "1.2", "ECDHE-RSA-AES128-GCM-SHA256", small, [*small, *long])
    talk("a ClientHello of many segments", "1.3", aes, client=long)
    session = f"{recording.folder}/session"
    again = [{"options": ["-sess_out", session]}, {"options": ["-sess_in", session, "-sess_out", session]}]
    talk("resumption and 0-RTT", "1.3", aes, ["-early_data"],
         visits=[*again, {"options": ["-sess_in", session], "early": True}])
    gcm = "ECDHE-RSA-AES128-GCM-SHA256"
    talk("resumption by ticket", "1.2", gcm, visits=again)
    talk("resumption by session", "1.2", gcm, ["-no_ticket"], visits=again)
    talk("renegotiation", "1.2", gcm, ["-client_renegotiation"], turn=("client", b"R\n"))
    cbc = "ECDHE-RSA-AES128-SHA256"
    talk("renegotiation with CBC", "1.2", cbc, ["-client_renegotiation"], turn=("client", b"R\n"))
    talk("renegotiation of the server", "1.2", gcm, turn=("server", b"r\n"))
    talk("MAC before encryption, SHA-1", "1.2", "ECDHE-RSA-AES128-SHA", ["-no_etm"])
    talk("MAC before encryption, SHA-256", "1.2", "AES256-SHA256", ["-no_etm"])
    talk("MAC before encryption, SHA-384", "1.2", "ECDHE-RSA-AES256-SHA384", ["-no_etm"])
    talk("no extended master secret, ECDHE", "1.2", gcm, no_ems=True)
    talk("no extended master secret, RSA", "1.2", "AES128-SHA", no_ems=True)


if os.path.exists("tls-variants.keys"):
    os.remove("tls-variants.keys")
with tempfile.TemporaryDirectory() as folder:
    dump = subprocess.Popen(["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-w", "tls-variants.pcap", "tcp"],
                            stderr=subprocess.DEVNULL)
    time.sleep(1)
    recording = Recording(folder)
    record(recording)
    time.sleep(1)
    dump.terminate()
    dump.wait()
    with open("tls-variants.truth.json", "w") as file:
        json.dump({"conversations": recording.truth}, file, indent=1)
