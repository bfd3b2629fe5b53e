"""Records WebSocket over HTTP/2 (RFC 8441) on the loopback interface: NAME.pcap and NAME.truth.json. The
server is hypercorn, the client speaks h2 and wsproto.

python3 h2c.py NAME [--upgrade | --tls]

Without options the client knows that the server speaks HTTP/2 in the clear; with --upgrade, it asks by
Upgrade: h2c; with --tls both agree on it by ALPN, NAME.keys has the secrets, and the second request has
a cookie so long that its head takes a HEADERS and a CONTINUATION. Two
conversations share the connection with ordinary requests; the first ends with Close, the second is
reset. Needs tcpdump and the Python packages hypercorn, h2 and wsproto.
"""

import argparse, asyncio, base64, json, os, socket, ssl, subprocess, tempfile, time

import h2.config, h2.connection, h2.events, h2.settings
import hypercorn.asyncio, hypercorn.config
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, TextMessage

truth = {"client_to_server": {}, "server_to_client": {}}


def shown(data):
    return {"text": data} if isinstance(data, str) else {"binary": base64.b64encode(data).decode()}


async def app(scope, receive, send):
    """Echoes: text in capitals, bytes backwards."""
    if scope["type"] == "lifespan":
        return
    if scope["type"] == "http":
        await receive()
        fields = [(b"content-type", b"text/plain"), (b"x-served", b"by hypercorn")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"an ordinary answer\n" * 20})
        return
    await receive()
    await send({"type": "websocket.accept", "headers": [(b"x-room", scope["path"].encode())]})
    heard = truth["client_to_server"].setdefault(scope["path"], [])
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        text, data = event.get("text"), event.get("bytes")
        heard.append(shown(text if text is not None else data))
        answer = {"text": text.upper()} if text is not None else {"bytes": data[::-1]}
        await send({"type": "websocket.send", **answer})


class Client:
    def __init__(self, port, args):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(5)
        self.scheme = "https" if args.tls else "http"
        if args.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            context.keylog_filename = args.name + ".keys"
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        config = h2.config.H2Configuration(header_encoding="utf-8")
        self.http2 = h2.connection.H2Connection(config)
        self.rooms, self.bodies, self.authority = {}, 0, f"127.0.0.1:{port}"
        if args.upgrade:
            settings = self.http2.initiate_upgrade_connection().decode()
            self.socket.sendall((
                f"GET /first HTTP/1.1\r\nHost: {self.authority}\r\nUpgrade: h2c\r\n"
                f"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: {settings}\r\n\r\n"
            ).encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += self.socket.recv(1)
            assert head.startswith(b"HTTP/1.1 101"), head
        else:
            self.http2.initiate_connection()
        self.flush()
        self.read(lambda: self.http2.remote_settings.enable_connect_protocol == 1)

    def flush(self):
        self.socket.sendall(self.http2.data_to_send())

    def read(self, until):
        """Takes in what comes until that holds."""
        while not until():
            for event in self.http2.receive_data(self.socket.recv(65536)):
                if isinstance(event, h2.events.DataReceived):
                    self.http2.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id)
                    room = self.rooms.get(event.stream_id)
                    if room and room["open"]:
                        room["ws"].receive_data(event.data)
                        self.take(room)
                    else:
                        self.bodies += len(event.data)
                if isinstance(event, h2.events.ResponseReceived):
                    room = self.rooms.get(event.stream_id)
                    if room:
                        room["open"] = (":status", "200") in event.headers
            self.flush()

    def take(self, room):
        for event in room["ws"].events():
            if isinstance(event, Message):
                room["parts"].append(event.data)
                if event.message_finished:
                    parts = room["parts"]
                    whole = ("" if isinstance(parts[0], str) else b"").join(parts)
                    truth["server_to_client"].setdefault(room["path"], []).append(shown(whole))
                    room["parts"], room["heard"] = [], room["heard"] + 1
            if isinstance(event, CloseConnection):
                room["closed"] = True

    def get(self, path):
        stream, self.bodies = self.http2.get_next_available_stream_id(), 0
        self.http2.send_headers(stream, [
            (":method", "GET"), (":scheme", self.scheme), (":authority", self.authority),
            (":path", path), ("user-agent", "h2c.py"), ("x-token", "kept in the table"),
        ], end_stream=True)
        self.flush()
        self.read(lambda: self.bodies >= 380)

    def connect(self, path, more=()):
        stream = self.http2.get_next_available_stream_id()
        self.rooms[stream] = {"ws": Connection(ConnectionType.CLIENT), "path": path, "open": False,
                              "closed": False, "parts": [], "heard": 0}
        self.http2.send_headers(stream, [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", self.scheme),
            (":authority", self.authority), (":path", path), ("user-agent", "h2c.py"),
            ("sec-websocket-version", "13"), ("x-token", "kept in the table"), *more,
        ])
        self.flush()
        self.read(lambda: self.rooms[stream]["open"])
        return stream

    def say(self, stream, data, padding=None, pieces=1):
        room = self.rooms[stream]
        event = TextMessage(data) if isinstance(data, str) else BytesMessage(data)
        wire = room["ws"].send(event)
        size = max(1, -(-len(wire) // pieces))
        for start in range(0, len(wire), size):
            self.http2.send_data(stream, wire[start:start + size], pad_length=padding)
            self.flush()
            time.sleep(0.002)
        wanted = room["heard"] + 1
        self.read(lambda: room["heard"] == wanted)


def talk(port, args):
    client = Client(port, args)
    client.get("/page")
    one = client.connect("/one")
    client.say(one, "the first word")
    two = client.connect("/two", [("cookie", "long=" + "Zq~" * 7000)] if args.tls else [])
    client.say(two, bytes(range(256)), padding=7)
    client.get("/other")
    client.say(one, "in three pieces of DATA", pieces=3)
    client.say(two, "beside the other stream", padding=0)
    client.say(one, b"\x00" * 3000)
    client.say(two, "grüße " * 200, pieces=2)
    room = client.rooms[one]
    client.http2.send_data(one, room["ws"].send(CloseConnection(code=1000, reason="done")))
    client.flush()
    client.read(lambda: room["closed"])
    # The server ended the stream by itself; hypercorn stumbles over an END_STREAM that comes later.
    client.say(two, "the last word")
    client.http2.reset_stream(two, 8)
    client.http2.close_connection()
    client.flush()
    time.sleep(0.3)
    client.socket.close()


def certificate(folder):
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
         "2", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
        check=True, stderr=subprocess.DEVNULL)
    return key, certificate


async def main(args):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = hypercorn.config.Config()
    config.bind, config.errorlog = [f"127.0.0.1:{port}"], None
    if args.tls:
        config.keyfile, config.certfile = certificate(tempfile.mkdtemp())
        if os.path.exists(args.name + ".keys"):
            os.remove(args.name + ".keys")
    stop = asyncio.Event()
    server = asyncio.create_task(
        hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait))
    dump = subprocess.Popen(
        ["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-w", f"{args.name}.pcap", f"tcp port {port}"],
        stderr=subprocess.DEVNULL)
    try:
        await asyncio.sleep(1)
        await asyncio.to_thread(talk, port, args)
        await asyncio.sleep(0.5)
    finally:
        dump.terminate()
        dump.wait()
        stop.set()
    await server
    with open(f"{args.name}.truth.json", "w") as file:
        json.dump(truth, file, indent=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--upgrade", action="store_true")
    parser.add_argument("--tls", action="store_true")
    asyncio.run(main(parser.parse_args()))
