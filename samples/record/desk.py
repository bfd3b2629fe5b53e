"""Records desk.pcap and desk.truth.json: eight clients of a trading desk, at once on one server.

Needs Python websockets, and tcpdump with the right to capture. Each client's messages and the
server's, by the port of the client, are written down by the server; the texts are invented.

    python3 samples/record/desk.py FOLDER
"""

import asyncio
import json
import random
import subprocess
import sys
import time

import websockets

SAID = {}
DICE = random.Random(101)
SYMBOLS = ["ACME", "INIT", "UMBR", "WAYN"]


def answer(order):
    """What the desk says to an order: every ninth asks for too much."""
    if order["quantity"] > 90:
        return {"type": "error", "order": order["order"], "reason": "insufficient funds"}
    return {"type": "filled", "order": order["order"], "price": 100 + order["quantity"] % 7}


async def serve(socket):
    said = SAID.setdefault(str(socket.remote_address[1]), {"client": [], "server": []})

    async def send(value):
        said["server"].append({"text": json.dumps(value)})
        await socket.send(said["server"][-1]["text"])

    await send({"type": "hello", "session": len(SAID)})
    async for text in socket:
        said["client"].append({"text": text})
        order = json.loads(text)
        if order["type"] == "history":
            await send({"type": "history", "prices": [DICE.randrange(90, 120) for _ in range(900)]})
        elif order["type"] == "order":
            await send(answer(order))
        else:
            await send({"type": "error", "reason": "session expired"})
            await socket.close(4001, "session expired")
            said["close"] = [4001, "session expired"]
            return
    said["close"] = [socket.close_code, socket.close_reason]


async def trade(port, number):
    """Client 5 asks for long histories; client 7 is thrown out."""
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/desk?trader={number}", compression=None
    ) as socket:
        await socket.recv()
        for turn in range(14):
            order = {"type": "order", "order": number * 100 + turn, "symbol": SYMBOLS[turn % 4],
                     "quantity": DICE.randrange(1, 101)}
            if number == 5 and turn % 5 == 0:
                order = {"type": "history", "symbol": SYMBOLS[turn % 4]}
            await socket.send(json.dumps(order))
            await socket.recv()
            await asyncio.sleep(0.2)
        if number == 7:
            await socket.send(json.dumps({"type": "renew", "token": "expired"}))
            await socket.recv()
            await socket.wait_closed()
        else:
            await socket.close(1000, "done")


async def main(folder):
    async with websockets.serve(serve, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        command = ["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-s", "0",
                   "-w", f"{folder}/desk.pcap", "tcp", "port", str(port)]
        capturing = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(1)
        clients = []
        for number in range(1, 9):
            clients.append(asyncio.create_task(trade(port, number)))
            await asyncio.sleep(0.05)
        await asyncio.gather(*clients)
        await asyncio.sleep(0.5)
        capturing.terminate()
        capturing.wait()
    with open(f"{folder}/desk.truth.json", "w", encoding="utf-8") as file:
        json.dump({"connections": SAID}, file, indent=1)


asyncio.run(main(sys.argv[1]))
