"""Records the same news carried four ways on the loopback interface: short polling, long polling,
Server-Sent Events, WebSocket. NAME.pcap, and NAME.truth.json: what the peers themselves counted.

python3 polling.py NAME        needs aiohttp, and tcpdump with the right to capture

A server says something every 0.4 s. Four clients want to know: one asks every 0.25 s, one asks and
waits for the answer, one holds a stream of events open, one holds a WebSocket. Each also says three
things itself: with POST, or as a message. The page's other requests are ordinary ones.
"""

import asyncio, json, subprocess, sys, time

import aiohttp
from aiohttp import web

NEWS = [json.dumps({"seq": n, "price": 100 + n * 7 % 13}) for n in range(10)]
EVERY, ASK_EVERY = 0.4, 0.25
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Accept": "*/*",
    "Accept-Language": "en-US,en;q=0.9",
    "Cookie": "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark",
}


class Board:
    """What there is to know, and who waits for it."""

    def __init__(self):
        self.said, self.changed = [], asyncio.Condition()

    async def say(self, text):
        async with self.changed:
            self.said.append(text)
            self.changed.notify_all()

    async def after(self, seen):
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.said) > seen or self.is_over)
            return self.said[seen:]

    is_over = False


async def main(name):
    board, truth = Board(), {kind: {"requests": 0, "news": [], "posts": 0} for kind in ("poll", "wait", "events", "ws")}

    async def page(_):
        return web.Response(text="<!DOCTYPE html><title>News</title>", content_type="text/html")

    async def poll(request):
        truth["poll"]["requests"] += 1
        news = board.said[int(request.query["seen"]):][:1]
        return web.Response(text=news[0], content_type="application/json") if news else web.Response(status=204)

    async def wait(request):
        truth["wait"]["requests"] += 1
        news = (await board.after(int(request.query["seen"])))[:1]
        return web.Response(text=news[0], content_type="application/json") if news else web.Response(status=204)

    async def events(request):
        truth["events"]["requests"] += 1
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await stream.prepare(request)
        seen = 0
        while seen < len(NEWS):
            for text in await board.after(seen):
                await stream.write(f"id: {seen}\ndata: {text}\n\n".encode())
                seen += 1
        return stream

    async def ws(request):
        truth["ws"]["requests"] += 1
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)

        async def listen():
            async for message in socket:
                truth["ws"]["posts"] += 1

        heard = asyncio.create_task(listen())
        seen = 0
        while seen < len(NEWS):
            for text in await board.after(seen):
                await socket.send_str(text)
                seen += 1
        await asyncio.sleep(0.1)
        await socket.close()
        heard.cancel()
        return socket

    async def say(request):
        await request.read()
        truth[request.query["by"]]["posts"] += 1
        return web.Response(status=204)

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/poll", poll), web.get("/wait", wait),
                    web.get("/events", events), web.get("/ws", ws), web.post("/say", say)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    dump = subprocess.Popen(["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-w", f"{name}.pcap", f"tcp port {port}"],
                            stderr=subprocess.DEVNULL)
    await asyncio.sleep(1)
    base = f"http://127.0.0.1:{port}"
    begun = time.monotonic()

    def session():
        return aiohttp.ClientSession(headers=BROWSER, connector=aiohttp.TCPConnector(limit=1))

    async def post(client, by):
        for n in range(3):
            async with client.post(f"{base}/say?by={by}", data=json.dumps({"n": n})) as answer:
                await answer.read()

    async def polls():
        async with session() as client:
            async with client.get(base + "/") as answer:
                await answer.read()
            while len(truth["poll"]["news"]) < len(NEWS):
                async with client.get(f"{base}/poll?seen={len(truth['poll']['news'])}") as answer:
                    text = await answer.text()
                    if answer.status == 200:
                        truth["poll"]["news"].append(text)
                await asyncio.sleep(ASK_EVERY)
            await post(client, "poll")

    async def waits():
        async with session() as client:
            while len(truth["wait"]["news"]) < len(NEWS):
                async with client.get(f"{base}/wait?seen={len(truth['wait']['news'])}") as answer:
                    truth["wait"]["news"].append(await answer.text())
            await post(client, "wait")

    async def streams():
        async with session() as client:
            async with client.get(base + "/events") as answer:
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        truth["events"]["news"].append(line[6:].decode().strip())
            await post(client, "events")

    async def sockets():
        async with session() as client:
            async with client.ws_connect(base + "/ws", headers={"Origin": base}) as socket:
                for n in range(3):
                    await socket.send_str(json.dumps({"n": n}))
                async for message in socket:
                    truth["ws"]["news"].append(message.data)

    async def speak():
        await asyncio.sleep(0.3)
        for text in NEWS:
            await board.say(text)
            await asyncio.sleep(EVERY)
        board.is_over = True

    await asyncio.gather(polls(), waits(), streams(), sockets(), speak())
    truth["seconds"] = round(time.monotonic() - begun, 3)
    truth["port"] = port
    await asyncio.sleep(1.5)
    dump.terminate()
    dump.wait()
    await runner.cleanup()
    with open(f"{name}.truth.json", "w") as file:
        json.dump(truth, file, indent=1)


asyncio.run(main(sys.argv[1]))
