"""Records a short chat over TLS between well-known programs on the loopback interface: NAME.pcap,
NAME.keys, NAME.truth.json for each NAME that is asked for.

python3 peers.py NAME…        (or all)

  node-ws        Node's ws on both sides, TLS 1.3
  aiohttp        aiohttp on both sides, TLS 1.2
  nginx          Python websockets to nginx, which ends TLS 1.3
  nginx-s_client openssl s_client, with frames made by hand, to nginx, TLS 1.2
  nginx-curl     curl, which only listens, to nginx, TLS 1.3
  connect        aiohttp to aiohttp through a proxy that is asked with CONNECT, TLS 1.3 inside
  haproxy        Node's ws to haproxy, which ends TLS 1.2
  haproxy-h2     Chromium to haproxy over HTTP/2 (RFC 8441), which goes on over HTTP/1.1

Needs tcpdump, openssl, node with the package ws (NODE_PATH), nginx, haproxy, chromium, curl and the
Python packages aiohttp and websockets: those of the names that are asked for.
"""

import asyncio, base64, contextlib, json, os, ssl, struct, subprocess, sys, tempfile

import aiohttp
from aiohttp import web

TEXTS = ["Hello", "Grüße, 世界 🌍", "a" * 125, "b" * 126, ""]
BINARY = bytes(range(256)) + b"\0" * 44
CLOSE = (4001, "that was all")

PAGE = """<!doctype html><script>
const heard = [], socket = new WebSocket(location.href.replace("http", "ws") + "ws");
socket.binaryType = "arraybuffer";
const shown = data => typeof data == "string" ? {text: data}
    : {binary: btoa(String.fromCharCode(...new Uint8Array(data)))};
socket.onopen = () => {
    for (const text of TEXTS) socket.send(text);
    socket.send(new Uint8Array(BINARY));
};
socket.onmessage = event => {
    heard.push(shown(event.data));
    if (heard.length == TEXTS.length + 1) socket.close(CLOSE, "REASON");
};
socket.onclose = () => fetch("/heard", {method: "POST", body: JSON.stringify(heard)});
</script>"""

NODE_SERVER = """
const https = require('https'), fs = require('fs'), {WebSocketServer} = require('ws');
const server = https.createServer({key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem')});
new WebSocketServer({server}).on('connection', socket => socket.on('message', (data, binary) => {
    console.log(JSON.stringify(binary ? {binary: data.toString('base64')} : {text: data.toString()}));
    socket.send(data, {binary});
}));
server.listen(+process.argv[1], '127.0.0.1');
"""

NODE_CLIENT = """
const {WebSocket} = require('ws'), [port, texts, binary, code, reason] = JSON.parse(process.argv[1]);
const socket = new WebSocket(`wss://localhost:${port}/ws`, {rejectUnauthorized: false}), heard = [];
socket.on('open', () => {
    for (const text of texts) socket.send(text);
    socket.send(Buffer.from(binary, 'base64'));
});
socket.on('message', (data, isBinary) => {
    heard.push(isBinary ? {binary: data.toString('base64')} : {text: data.toString()});
    if (heard.length == texts.length + 1) socket.close(code, reason);
});
socket.on('close', () => console.log(JSON.stringify(heard)));
"""

NGINX = """
daemon off; pid nginx.pid; error_log stderr crit;
events {}
http {
    access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
    uwsgi_temp_path t4; scgi_temp_path t5;
    server {
        listen 127.0.0.1:PORT ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;
        ssl_protocols VERSION;
        location / {
            proxy_pass http://127.0.0.1:BACKEND; proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
        }
    }
}
"""

HAPROXY = """
global
    ssl-default-bind-options ssl-min-ver VERSION ssl-max-ver VERSION
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend front
    bind 127.0.0.1:PORT ssl crt both.pem alpn ALPN
    default_backend back
backend back
    server one 127.0.0.1:BACKEND
"""


def shown(data):
    return {"text": data} if isinstance(data, str) else {"binary": base64.b64encode(data).decode()}


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Recording:
    """A server that echoes, behind what ends TLS, and what both sides heard."""

    def __init__(self, name, folder):
        self.name, self.folder, self.port = name, folder, free_port()
        self.at_server, self.at_client, self.children = [], [], []
        self.page_done = asyncio.Event()

    def path(self, file):
        return os.path.join(self.folder, file)

    async def spawn(self, *command, **options):
        child = await asyncio.create_subprocess_exec(*command, cwd=self.folder, **options)
        self.children.append(child)
        return child

    async def serve(self, greets=False, context=None, port=None):
        """The server: echoes what it hears, or greets and says goodbye."""
        async def ws(request):
            socket = web.WebSocketResponse(compress=False)
            await socket.prepare(request)
            if greets:
                for text in TEXTS:
                    await socket.send_str(text)
                await socket.send_bytes(BINARY)
                await socket.close(code=CLOSE[0], message=CLOSE[1].encode())
                return socket
            async for message in socket:
                self.at_server.append(shown(message.data))
                if isinstance(message.data, str):
                    await socket.send_str(message.data)
                else:
                    await socket.send_bytes(message.data)
            return socket

        async def page(_):
            text = PAGE.replace("TEXTS", json.dumps(TEXTS)).replace("BINARY", str(list(BINARY)))
            text = text.replace("CLOSE", str(CLOSE[0])).replace("REASON", CLOSE[1])
            return web.Response(text=text, content_type="text/html")

        async def heard(request):
            self.at_client = await request.json()
            self.page_done.set()
            return web.Response()

        app = web.Application()
        app.add_routes([web.get("/ws", ws), web.get("/", page), web.post("/heard", heard)])
        runner = web.AppRunner(app)
        await runner.setup()
        backend = port or free_port()
        await web.TCPSite(runner, "127.0.0.1", backend, ssl_context=context).start()
        return backend

    async def front(self, program, config, **words):
        """A proxy that ends TLS."""
        words = {"PORT": str(self.port), **words}
        for word, value in words.items():
            config = config.replace(word, value)
        with open(self.path("config"), "w") as file:
            file.write(config)
        if program == "nginx":
            await self.spawn("nginx", "-p", self.folder, "-c", self.path("config"))
        else:
            await self.spawn("haproxy", "-db", "-f", self.path("config"))
        await asyncio.sleep(1)

    async def node_client(self):
        options = json.dumps([self.port, TEXTS, base64.b64encode(BINARY).decode(), *CLOSE])
        child = await self.spawn("node", f"--tls-keylog={os.path.abspath(self.name)}.keys", "-e",
                                 NODE_CLIENT, options, stdout=subprocess.PIPE)
        self.at_client = json.loads((await child.communicate())[0])

    def client_context(self):
        context = ssl.create_default_context(cafile=self.path("cert.pem"))
        context.keylog_filename = f"{self.name}.keys"
        return context


async def node_ws(it):
    server = await it.spawn("node", "-e", NODE_SERVER, str(it.port), stdout=subprocess.PIPE)
    await asyncio.sleep(1)
    await it.node_client()
    server.terminate()
    lines = (await server.communicate())[0].splitlines()
    it.at_server = [json.loads(line) for line in lines]


async def aiohttp_both(it):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(it.path("cert.pem"), it.path("key.pem"))
    await it.serve(context=context, port=it.port)
    async with aiohttp.ClientSession() as session:
        url = f"wss://localhost:{it.port}/ws"
        async with session.ws_connect(url, ssl=it.client_context(), compress=15) as socket:
            for data in [*TEXTS, BINARY]:
                await (socket.send_str if isinstance(data, str) else socket.send_bytes)(data)
                it.at_client.append(shown((await socket.receive()).data))
            await socket.close(code=CLOSE[0], message=CLOSE[1].encode())


async def connect(it):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(it.path("cert.pem"), it.path("key.pem"))
    server = await it.serve(context=context)

    async def pump(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def proxy(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"CONNECT "), head
        there, back = await asyncio.open_connection("127.0.0.1", server)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pump(reader, back), pump(there, writer))

    await asyncio.start_server(proxy, "127.0.0.1", it.port)
    async with aiohttp.ClientSession() as session:
        url, through = f"wss://localhost:{server}/ws", f"http://127.0.0.1:{it.port}"
        async with session.ws_connect(url, proxy=through, ssl=it.client_context()) as socket:
            for data in [*TEXTS, BINARY]:
                await (socket.send_str if isinstance(data, str) else socket.send_bytes)(data)
                it.at_client.append(shown((await socket.receive()).data))
            await socket.close(code=CLOSE[0], message=CLOSE[1].encode())


async def nginx(it):
    import websockets
    await it.front("nginx", NGINX, VERSION="TLSv1.3", BACKEND=str(await it.serve()))
    url = f"wss://localhost:{it.port}/ws"
    async with websockets.connect(url, ssl=it.client_context()) as socket:
        for data in [*TEXTS, BINARY]:
            await socket.send(data)
            it.at_client.append(shown(await socket.recv()))
        await socket.close(*CLOSE)


def masked(opcode, payload):
    """A frame of a client, by hand."""
    key = os.urandom(4)
    length = len(payload)
    head = bytes([0x80 | opcode]) + (
        bytes([0x80 | length]) if length < 126 else bytes([0xFE]) + struct.pack("!H", length))
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def unmasked(stream):
    """The messages in frames of a server, none of them in fragments."""
    heard = []
    while len(stream) >= 2:
        length, at = stream[1] & 127, 2
        if length == 126:
            length, at = struct.unpack("!H", stream[2:4])[0], 4
        payload, opcode = stream[at:at + length], stream[0] & 15
        if opcode in (1, 2):
            heard.append(shown(payload.decode() if opcode == 1 else payload))
        stream = stream[at + length:]
    return heard


def fresh_key():
    return base64.b64encode(os.urandom(16)).decode()


def request(port):
    return (f"GET /ws HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {fresh_key()}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n").encode()


async def nginx_s_client(it):
    await it.front("nginx", NGINX, VERSION="TLSv1.2", BACKEND=str(await it.serve()))
    child = await it.spawn(
        "openssl", "s_client", "-quiet", "-connect", f"localhost:{it.port}", "-servername",
        "localhost", "-tls1_2", "-keylogfile", os.path.abspath(f"{it.name}.keys"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child.stdin.write(request(it.port))
    await asyncio.sleep(0.5)
    for data in [*TEXTS, BINARY]:
        is_text = isinstance(data, str)
        child.stdin.write(masked(1 if is_text else 2, data.encode() if is_text else data))
        await asyncio.sleep(0.1)
    child.stdin.write(masked(8, struct.pack("!H", CLOSE[0]) + CLOSE[1].encode()))
    stream = await child.stdout.read()
    it.at_client = unmasked(stream.split(b"\r\n\r\n", 1)[1])


async def nginx_curl(it):
    await it.front("nginx", NGINX, VERSION="TLSv1.3", BACKEND=str(await it.serve(greets=True)))
    child = await it.spawn(
        "curl", "-sN", "--http1.1", "-k", "--max-time", "5", f"https://localhost:{it.port}/ws",
        "-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "-H", "Sec-WebSocket-Version: 13",
        "-H", f"Sec-WebSocket-Key: {fresh_key()}", stdout=subprocess.PIPE,
        env={**os.environ, "SSLKEYLOGFILE": os.path.abspath(f"{it.name}.keys")})
    it.at_client = unmasked((await child.communicate())[0])


async def haproxy(it):
    await it.front("haproxy", HAPROXY, VERSION="TLSv1.2", ALPN="http/1.1",
                   BACKEND=str(await it.serve()))
    await it.node_client()


async def haproxy_h2(it):
    await it.front("haproxy", HAPROXY, VERSION="TLSv1.3", ALPN="h2,http/1.1",
                   BACKEND=str(await it.serve()))
    await it.spawn(
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors",
        f"--user-data-dir={it.path('profile')}", "--remote-debugging-port=0",
        f"--ssl-key-log-file={os.path.abspath(it.name)}.keys", f"https://localhost:{it.port}/",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await asyncio.wait_for(it.page_done.wait(), 40)


NAMES = {"node-ws": node_ws, "aiohttp": aiohttp_both, "connect": connect, "nginx": nginx,
         "nginx-s_client": nginx_s_client, "nginx-curl": nginx_curl, "haproxy": haproxy,
         "haproxy-h2": haproxy_h2}


async def record(name):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        it = Recording(name, folder)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"],
            cwd=folder, check=True, stderr=subprocess.DEVNULL)
        with open(it.path("both.pem"), "w") as both:
            both.write(open(it.path("cert.pem")).read() + open(it.path("key.pem")).read())
        with contextlib.suppress(FileNotFoundError):
            os.remove(f"{name}.keys")
        dump = subprocess.Popen(
            ["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-w", f"{name}.pcap",
             f"tcp port {it.port}"], stderr=subprocess.DEVNULL)
        try:
            await asyncio.sleep(1)
            await asyncio.wait_for(NAMES[name](it), 60)
            await asyncio.sleep(0.5)
        finally:
            for child in it.children:
                with contextlib.suppress(ProcessLookupError):
                    child.terminate()
            await asyncio.sleep(0.5)
            dump.terminate()
            dump.wait()
        truth = {"client_to_server": it.at_server, "server_to_client": it.at_client,
                 "close": list(CLOSE)}
        with open(f"{name}.truth.json", "w") as file:
            json.dump(truth, file, indent=1)


if __name__ == "__main__":
    for name in NAMES if sys.argv[1:] == ["all"] else sys.argv[1:]:
        asyncio.run(record(name))
