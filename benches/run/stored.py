"""Fills a database with messages faster than anybody could say them."""

import hashlib
import os
import sqlite3

#: The first one's time, in milliseconds; one a millisecond from there.
FIRST_MS = 1_700_000_000_000
CREATED = "2023-11-14T22:13:20.000000+00:00"
COLUMNS = ("room_id, seq, rev, id, sender_id, client_message_id, content, content_hash, kind, "
           "created_at")


def fill(server, count):
    """Puts `count` messages into the first room, with ids in order of time as clients send them.

    The server has not opened the room yet, so it reads the numbers from here.
    """
    sender = server.ask("GET", "/api/users/me")["id"]
    if server.postgres:
        server.sql(in_postgres(sender, count))
        server.postgres.rest(server.environment["DATABASE_URL"])
    else:
        in_sqlite(server.database, bytes.fromhex(sender.replace("-", "")), count)
    head = server.ask("GET", "/api/chat/rooms/r0000")["head"]
    assert head == count, f"{head} of {count} messages are seen"


def version_7(number):
    """A UUIDv7 of its own millisecond, as 32 hexadecimal digits."""
    return f"{FIRST_MS + number:012x}7{os.urandom(2).hex()[1:]}8{os.urandom(8).hex()[1:]}"


def in_sqlite(path, sender, count):
    content = "x" * 128
    digest = hashlib.sha256(content.encode()).digest()
    rows = (("r0000", number, number, bytes.fromhex(version_7(number)), sender, version_7(number),
             content, digest, "text", CREATED) for number in range(1, count + 1))
    database = sqlite3.connect(path, timeout=60)
    with database:
        database.executemany(
            f"INSERT INTO chat_messages ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
        database.execute("UPDATE chat_rooms SET last_seq = ?, last_rev = ? WHERE id = 'r0000'",
                         (count, count))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def in_postgres(sender, count):
    """The same by the database itself."""
    uuid = (f"lpad(to_hex({FIRST_MS} + n), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || "
            "substr(md5(n::text), 4, 15)")
    return [
        f"INSERT INTO chat_messages ({COLUMNS}) SELECT 'r0000', n, n, ({uuid})::uuid, "
        f"'{sender}'::uuid, {uuid}, repeat('x', 128), sha256(repeat('x', 128)::bytea), 'text', "
        f"'{CREATED}' FROM generate_series(1, {count}) AS n",
        f"UPDATE chat_rooms SET last_seq = {count}, last_rev = {count} WHERE id = 'r0000'",
    ]
