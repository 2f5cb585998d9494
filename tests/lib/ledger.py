"""ledger.py - a ledger as the agent writes it, made by hand: by the product's own statements (agent/ledger/schema.h)."""
import datetime, json, os, re, sqlite3
from collections import Counter
from pathlib import Path

ROOT, TMP = Path(os.environ["ROOT"]), Path(os.environ["TMPDIR"])


def unix(s):
    return int(datetime.datetime.fromisoformat(s + "+00:00").timestamp())


def schema():
    """the product's own statements"""
    text = re.search(r"#define SCHEMA_TABLES(.*?)\n#define SCHEMA_FIND", (ROOT / "agent/ledger/schema.h").read_text(), re.S).group(1)
    return "".join(json.loads(f'"{s}"') for s in re.findall(r'"((?:[^"\\]|\\.)*)"', text))


class Ledger:
    def __init__(self, name, host="db1"):
        self.dir = TMP / name
        self.dir.mkdir()
        self.db = sqlite3.connect(self.dir / "ledger.db")
        self.db.executescript(schema())
        self.state("host", host)
        self.sums = Counter()

    def state(self, name, value):
        self.db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def key(self, **k):
        row = dict(kind=0, hash=0, unit="postgresql@15-main.service", container="", exe="/usr/bin/pg_dump", user="postgres", country="",
                   provider="", region="", operator="", law="", grade="operator-list", rule="allow to eea", prefix="10.0.0.0/24", port=5432,
                   proto=6, verdict=0, enforced=0, by_peer=0) | k
        c = self.db.execute(f"INSERT INTO key ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        return c.lastrowid, row["verdict"]

    def row(self, key, start, size, level=60, flows=1, attempts=0):
        self.db.execute("INSERT INTO roll VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (level, start, key[0], 1 + size // 1000, size, attempts, flows,
                        (start + 1) * 10**9, (start + 50) * 10**9, ""))
        self.db.execute("INSERT INTO total VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET packets = packets + excluded.packets, "
                        "bytes = bytes + excluded.bytes", (level, start, key[1], 1 + size // 1000, size))

    def lived(self, start, end, level=60):
        """the agent wrote each minute (or day) of it, with nothing in it"""
        self.db.executemany("INSERT INTO total VALUES (?, ?, 0, 0, 0) ON CONFLICT DO NOTHING", [(level, s) for s in range(start, end, level)])

    def done(self):
        self.db.commit()
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.close()
        return self.dir
