"""Records a chat over TLS on the loopback interface: NAME.pcap, NAME.keys, NAME.truth.json.

python3 wss.py NAME [--tls 1.2|1.3] [--ciphers LIST] [--no-sni]
python3 wss.py NAME --megabytes N [--connections N] [--chat]    to measure with; nobody notes what was said

With --megabytes messages are binary, of 60 to 30,000 bytes, and the answers short; with --chat they are
text, of 20 to 160 characters, and come back whole.
"""

import argparse, asyncio, base64, datetime, json, os, random, ssl, subprocess, tempfile, time

import websockets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    path = os.path.join(folder, "server.pem")
    with open(path, "wb") as file:
        file.write(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        file.write(cert.public_bytes(serialization.Encoding.PEM))
    return path


def shown(message):
    if isinstance(message, str):
        return {"text": message}
    return {"binary": base64.b64encode(message).decode()}


def messages(args):
    rng = random.Random(101)
    if args.megabytes:
        left = (args.megabytes << 20) // args.connections
        while left > 0 and args.chat:
            text = "".join(rng.choices("abcdefghij klmnopqrst uvwxyz", k=rng.randint(20, 160)))
            left -= len(text)
            yield text
        while left > 0:
            size = rng.choice([60, 200, 900, 4000, 30000])
            left -= size
            yield rng.randbytes(size)
        return
    for number in range(20):
        yield json.dumps({"n": number, "content": "Hello! " * rng.randint(1, 20)})
    for size in (0, 125, 126, 16384, 65536):
        yield rng.randbytes(size)


async def main(args):
    truth = {"client_to_server": [], "server_to_client": []}
    keep = not args.megabytes
    with tempfile.TemporaryDirectory() as folder:
        version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[args.tls]
        server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_side.load_cert_chain(certificate(folder))
        client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client_side.check_hostname = False
        client_side.verify_mode = ssl.CERT_NONE
        for context in (server_side, client_side):
            context.minimum_version = context.maximum_version = version
            if args.ciphers:
                context.set_ciphers(args.ciphers)
        if os.path.exists(args.name + ".keys"):
            os.remove(args.name + ".keys")
        client_side.keylog_filename = args.name + ".keys"

        async def serve(socket):
            async for message in socket:
                if keep:
                    truth["client_to_server"].append(shown(message))
                answer = message if not args.megabytes or args.chat else message[:1000]
                await socket.send(answer)

        compression = None if args.megabytes else "deflate"
        async with websockets.serve(
            serve, "127.0.0.1", 0, ssl=server_side, compression=compression, max_size=None
        ) as server:
            port = server.sockets[0].getsockname()[1]
            capture = subprocess.Popen(
                ["tcpdump", "-i", "lo", "-U", "-B", "65536", "-w", args.name + ".pcap",
                 "tcp", "port", str(port)], stderr=subprocess.DEVNULL)
            time.sleep(1)
            name = None if args.no_sni else "localhost"

            async def talk():
                async with websockets.connect(
                    f"wss://127.0.0.1:{port}/chat", ssl=client_side, compression=compression,
                    server_hostname=name, max_size=None, open_timeout=None,
                ) as socket:
                    for message in messages(args):
                        await socket.send(message)
                        answer = await socket.recv()
                        if keep:
                            truth["server_to_client"].append(shown(answer))

            await asyncio.gather(*(talk() for _ in range(args.connections)))
            await asyncio.sleep(1)
            capture.terminate()
            capture.wait()
    if keep:
        with open(args.name + ".truth.json", "w") as file:
            json.dump(truth, file, indent=1, ensure_ascii=False)


parser = argparse.ArgumentParser()
parser.add_argument("name")
parser.add_argument("--tls", default="1.3")
parser.add_argument("--ciphers")
parser.add_argument("--megabytes", type=int, default=0)
parser.add_argument("--connections", type=int, default=1)
parser.add_argument("--chat", action="store_true")
parser.add_argument("--no-sni", action="store_true")
asyncio.run(main(parser.parse_args()))
