# SPDX-License-Identifier: LGPL-2.1-or-later
"""The model of the disk that loses its power, and the server that QEMU talks to, without any guest."""
import os
import random
import struct
import tempfile
import unittest

import nbd
from cached_disk import ONLY_THE_LAST, SECTOR, CachedDisk
from told import Told

SIZE = 64 * SECTOR


def empty():
    descriptor = os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR)
    os.ftruncate(descriptor, SIZE)
    return descriptor


def sectors(letter, count=1):
    return letter.encode() * SECTOR * count


class Fate(random.Random):
    """All that is in the cache is kept, or nothing; no write is torn."""

    def __init__(self, kept):
        super().__init__(0)
        self._kept = kept

    def choice(self, _):
        return self._kept

    def random(self):
        return 0.5


LOST, KEPT, LAST_KEPT = Fate(0), Fate(1), Fate(ONLY_THE_LAST)


class DiskTest(unittest.TestCase):
    def setUp(self):
        self.disk = CachedDisk(empty())
        self.disk.write(0, sectors("o", 8), False, 0)
        self.disk.record_from_here(empty())

    def write(self, offset, letter, count=1, fua=False):
        self.disk.write(offset * SECTOR, sectors(letter, count), fua, len(self.disk.requests))

    def flush(self, covers=None):
        self.disk.flush(len(self.disk.requests) if covers is None else covers, len(self.disk.requests))

    def after(self, fate, cut=None, count=8):
        result = empty()
        self.disk.after_cut(len(self.disk.requests) if cut is None else cut, fate, result)
        return "".join(chr(os.pread(result, 1, at * SECTOR)[0]) for at in range(count))

    def test_what_was_there_before_is_durable(self):
        self.assertEqual(self.after(LOST), "oooooooo")

    def test_a_write_in_the_cache_may_be_lost_or_kept(self):
        self.write(1, "a", 2)
        self.assertEqual(self.after(LOST), "oooooooo")
        self.assertEqual(self.after(KEPT), "oaaooooo")

    def test_the_last_write_may_be_kept_without_those_before_it(self):
        self.write(0, "a")
        self.flush()
        self.write(1, "b")
        self.write(3, "c", 2)
        self.assertEqual(self.after(LAST_KEPT), "aooccooo")

    def test_the_guest_reads_what_is_in_the_cache(self):
        self.write(1, "a")
        self.assertEqual(self.disk.read(SECTOR, 1), b"a")

    def test_a_flush_makes_the_writes_before_it_durable(self):
        self.write(0, "a")
        self.flush()
        self.write(1, "b")
        self.assertEqual(self.after(LOST), "aooooooo")

    def test_a_flush_does_not_cover_what_was_under_way_with_it(self):
        self.write(0, "a")
        answered = len(self.disk.requests)
        self.write(1, "b")
        self.flush(covers=answered)
        self.assertEqual(self.after(LOST), "aooooooo")

    def test_a_flush_after_the_cut_does_not_count(self):
        self.write(0, "a")
        self.flush()
        self.assertEqual(self.after(LOST, cut=1), "oooooooo")

    def test_a_fua_write_is_durable_alone(self):
        self.write(0, "a")
        self.write(1, "b", fua=True)
        self.assertEqual(self.after(LOST), "oboooooo")

    def test_a_later_write_is_not_overtaken(self):
        self.write(0, "a", fua=True)
        self.write(0, "b", fua=True)
        self.write(0, "c")
        self.assertEqual(self.after(LOST)[0], "b")
        self.assertEqual(self.after(KEPT)[0], "c")

    def test_nothing_from_after_the_cut_is_there(self):
        self.write(0, "a")
        self.write(1, "b")
        self.assertEqual(self.after(KEPT, cut=1), "aooooooo")

    def test_a_torn_write_has_whole_sectors(self):
        self.write(0, "a", 8)
        result = empty()
        seen = set()
        for seed in range(200):
            self.disk.after_cut(1, random.Random(seed), result)
            data = os.pread(result, 8 * SECTOR, 0)
            for at in range(8):
                self.assertIn(data[at * SECTOR:(at + 1) * SECTOR], (sectors("a"), sectors("o")))
            seen.add("".join(chr(data[at * SECTOR]) for at in range(8)))
        self.assertIn("aaaaaaaa", seen)
        self.assertIn("oooooooo", seen)
        self.assertGreater(len(seen), 10, "no write was torn")

    def test_the_same_seed_gives_the_same_disk(self):
        for at in range(0, 64, 2):
            self.write(at, "a", 2)
        self.assertEqual(self.after(random.Random(3), count=64), self.after(random.Random(3), count=64))


class ToldTest(unittest.TestCase):
    def test_what_was_pending(self):
        lines = [b"done work/private committed 0\n", b"begin commit work/private committed 1\n", b"done work/private committed 1\n",
                 b"content 0 1 0 1 1\n", b"begin commit template/root committed 2\n"]
        told = Told(b"".join(lines))
        at = [told.pending(len(b"".join(lines[:count]))) for count in range(len(lines) + 1)]
        self.assertEqual(at, [None, None, "commit", None, None, "template stop"])


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.disk = CachedDisk(empty())
        self.disk.record_from_here(empty())
        self.told = 0
        self.server = nbd.Server(self.disk, SIZE, lambda: self.told)
        self.addCleanup(self.server.close)
        self.connection = self.server.qemus_end
        self.connection.settimeout(10)
        self.receive(18)
        self.connection.sendall(struct.pack(">I", 3) + nbd.OPTION.pack(b"IHAVEOPT", 8, 0) + nbd.OPTION.pack(b"IHAVEOPT", nbd.GO, 6) + bytes(6))
        self.assertEqual(nbd.OPTION_REPLY.unpack(self.receive(20))[2], nbd.UNSUPPORTED)
        self.receive(20 + 12 + 20)

    def receive(self, count):
        data = b""
        while len(data) < count:
            data += self.connection.recv(count - len(data))
        return data

    @staticmethod
    def request(kind, offset=0, data=b"", length=None, flags=0, handle=1):
        return nbd.REQUEST.pack(nbd.REQUEST_MAGIC, flags, kind, handle, offset, len(data) if length is None else length) + data

    def ask(self, *requests, answer=0):
        self.connection.sendall(b"".join(requests))
        return self.receive(len(requests) * nbd.REPLY.size + answer)

    def test_writes_and_reads(self):
        self.ask(self.request(nbd.WRITE, SECTOR, sectors("a")))
        reply = self.ask(self.request(nbd.READ, SECTOR, length=SECTOR, handle=7), answer=SECTOR)
        self.assertEqual(reply, nbd.REPLY.pack(nbd.SIMPLE_REPLY_MAGIC, 0, 7) + sectors("a"))

    def test_a_flush_covers_what_was_answered_before_it_came(self):
        self.ask(self.request(nbd.WRITE, 0, sectors("a")))
        self.ask(self.request(nbd.WRITE, 0, sectors("b")), self.request(nbd.FLUSH))
        self.assertEqual(self.disk.durable(3), 1)
        self.ask(self.request(nbd.FLUSH))
        self.assertEqual(self.disk.durable(4), 3)

    def test_the_flag_for_durability_is_seen(self):
        self.ask(self.request(nbd.WRITE, 0, sectors("a"), flags=nbd.FUA))
        self.assertTrue(self.disk.requests[0].fua)

    def test_the_progress_stands_with_each_request(self):
        self.ask(self.request(nbd.WRITE, 0, sectors("a")))
        self.told = 5
        self.ask(self.request(nbd.WRITE, 0, sectors("b")))
        self.assertEqual(self.disk.progress, [0, 5])

    def test_a_request_may_come_in_parts(self):
        whole = self.request(nbd.WRITE, 0, sectors("a"))
        for part in (whole[:10], whole[10:100], whole[100:]):
            self.connection.sendall(part)
        self.receive(nbd.REPLY.size)
        self.assertEqual(self.disk.requests[0].data, sectors("a"))

    def test_without_power_nothing_is_answered(self):
        self.assertEqual(self.server.power_off(), 0)
        self.connection.sendall(self.request(nbd.WRITE, 0, sectors("a")))
        self.server._thread.join(10)
        self.assertEqual(self.disk.requests, [])

    def test_an_unknown_request_is_an_error(self):
        self.assertEqual(nbd.REPLY.unpack(self.ask(self.request(99)))[1], nbd.INVALID)


if __name__ == "__main__":
    unittest.main()
