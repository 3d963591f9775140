# SPDX-License-Identifier: Apache-2.0
"""A network between two programs of this machine, that can be slow, cut or flaky.

tc netem is not in every kernel; this needs nothing but a port.
"""
import asyncio
import contextlib
import random
import socket
import struct
import threading
import time


class Proxy:
    """Passes bytes on to a port. `delay` and at most `jitter` more (seconds, each way)
    may be set at any time; with `reset_after` the first connection that sends so many bytes is reset."""

    def __init__(self, port, reset_after=None):
        self.target = port
        self.reset_after = reset_after
        self.delay = self.jitter = 0.0
        self.whole = True
        self.resets = 0  # by reset_after
        self.tries = []  # when somebody connected, cut or not (monotonic)
        self.turns = []  # of each connection: how often its client had the word
        self.pairs = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.run(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout=30)

    def cut(self):
        """Resets every connection, and each new one until heal()."""
        async def now():
            self.whole = False
            self.reset(*self.pairs)
        self.run(now())

    def heal(self):
        self.whole = True

    def reset_one(self, rng):
        async def now():
            if self.pairs:
                self.reset(rng.choice(sorted(self.pairs, key=id)))
        self.run(now())

    def close(self):
        async def now():
            self.server.close()
            self.reset(*self.pairs)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        self.run(now())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=30)
        self.loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- on the loop ----

    def reset(self, *pairs):
        for pair in pairs:
            self.pairs.discard(pair)
            for writer in pair:
                hard_close(writer)

    async def serve(self, reader, writer):
        self.tries.append(time.monotonic())
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            hard_close(writer)
            return
        pair = (writer, far_writer)
        self.pairs.add(pair)
        if not self.whole:
            self.reset(pair)
            return
        self.turns.append(0)
        talk = {"number": len(self.turns) - 1, "client": False}  # who spoke last
        await asyncio.gather(self.pump(reader, far_writer, pair, True, talk),
                             self.pump(far_reader, writer, pair, False, talk))
        self.pairs.discard(pair)

    async def pump(self, reader, writer, pair, counts, talk):
        line = asyncio.Queue(64)
        feed = asyncio.ensure_future(self.feed(reader, line))
        sent = 0
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while True:
                due, data = await line.get()
                if not data:
                    break
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                sent += len(data)
                if counts and self.reset_after and self.resets == 0 \
                        and sent >= self.reset_after:
                    self.resets += 1
                    self.reset(pair)
                    break
                self.turns[talk["number"]] += counts and not talk["client"]
                talk["client"] = counts
                writer.write(data)
                await writer.drain()
        feed.cancel()
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()

    async def feed(self, reader, line):
        data = b"-"
        while data:
            try:
                data = await reader.read(4096)
            except OSError:
                data = b""
            late = self.delay + random.random() * self.jitter
            await line.put((time.monotonic() + late, data))


def hard_close(writer):
    sock = writer.transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
