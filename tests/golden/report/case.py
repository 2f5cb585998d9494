"""case.py - the starting article's case as two ledgers: a database in Frankfurt on machines of a US operator, a platform in front, a backup tool,
an administrator abroad; argv: nothing. Writes into TMPDIR/db1 and TMPDIR/app1."""
import os, sys

sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
from ledger import Ledger, unix

PG, PGB, APP = "postgresql@15-main.service", "pgbackrest.service", "app.service"
AWS = dict(provider="aws", operator="Amazon Web Services", law="US")
EEA, TIA = "allow to eea", 'allow to US port 443 purpose telemetry basis art46 until 2027-03-31 because "SCC with Acme, TIA 114"'
MB = 10**6
# host, unit, program, place, port, rule, verdict, enforced, opened by the peer, megabytes a month
FLOWS = [
    ("db1", dict(unit=PG, exe="/usr/lib/postgresql/15/bin/postgres", country="DE", region="eu-central-1", port=5432, rule=EEA, by_peer=1, **AWS), 8200),
    ("db1", dict(unit=PGB, exe="/usr/bin/pgbackrest", country="FR", provider="ovh", operator="OVHcloud", law="FR", region="gra", port=443, rule=EEA), 41000),
    ("db1", dict(unit=PGB, exe="/usr/bin/pgbackrest", country="US", region="us-east-1", port=443, rule="block to any", verdict=2, enforced=1, **AWS), 2),
    ("db1", dict(unit="ssh.service", exe="/usr/sbin/sshd", country="MA", operator="Maroc Telecom", law="MA", grade="registry", port=22, rule="allow to any service ssh opened by peer",
                 by_peer=1), 3),
    ("db1", dict(unit="datadog-agent.service", exe="/opt/datadog-agent/bin/agent", country="US", operator="Datadog", law="US", grade="geofeed", port=443, rule=TIA, verdict=0), 120),
    ("app1", dict(unit=APP, exe="/usr/bin/node", country="IE", region="eu-west-1", port=443, rule=EEA, **AWS), 950),
    ("app1", dict(unit=APP, exe="/usr/bin/node", country="", provider="cloudflare", operator="Cloudflare", law="US", grade="unprovable", port=443, rule="alert to unprovable", verdict=1), 610),
    ("app1", dict(unit=APP, exe="/usr/bin/node", country="CH", provider="exoscale", operator="Exoscale", law="CH", region="ch-gva-2", grade="operator-list", port=443,
                  rule="allow to adequate", verdict=0), 75),
]
hosts = {}
for host in ("db1", "app1"):
    hosts[host] = Ledger(host, host)
for host, key, size in FLOWS:
    l = hosts[host]
    k = l.key(**{**dict(user="postgres"), **key})
    for month in range(1, 7):
        l.row(k, unix(f"2026-{month:02}-14T00:00"), size * MB, level=86400, flows=max(1, size // 10))
for l in hosts.values():
    l.lived(unix("2026-01-01T00:00"), unix("2026-07-01T00:00"), 86400)
    l.state("hour_end", unix("2026-07-01T00:00"))
    l.state("day_end", unix("2026-07-01T00:00"))
    l.done()
