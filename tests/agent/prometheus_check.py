#!/usr/bin/env python3
"""The alert rules and the dashboard: promtool reads them, each rule fires and keeps quiet as it should, a real Prometheus on loopback
loads them and scrapes; every metric they name is one that the agent writes."""
import http.server, json, os, pathlib, re, shutil, socket, subprocess, sys, tempfile, threading, time, urllib.request

ROOT = pathlib.Path(os.environ.get("ROOT", "."))
RULES, BOARD = ROOT / "agent/install/prometheus-alerts.yml", ROOT / "agent/install/grafana.json"
bad = 0


def check(name, good, why=""):
    global bad
    bad |= not good
    print(f"ok {name}" if good else f"not ok {name} - {' '.join(str(why).split())[:400]}")


# alert: (series that make it fire, series that do not, minutes until it does); a series: name{labels} values
CASES = {
    "CordonDown": ('up{job="cordon"} 0x20', 'up{job="cordon"} 1x20', 6),
    "CordonHookDetached": ('cordon_hook_attached{hook="egress"} 1 0x20', 'cordon_hook_attached{hook="egress"} 1x20', 2),
    "CordonNotEnforcing": ("cordon_enforcing 0x20", "cordon_enforcing 1x20", 16),
    "CordonBlocked": ('cordon_packets_total{verdict="block"} 0+5x20|cordon_enforcing 1x20', 'cordon_packets_total{verdict="block"} 7x20|cordon_enforcing 1x20', 3),
    "CordonWouldBlock": ("cordon_would_block_packets_total 0+5x20", "cordon_would_block_packets_total 7x20", 3),
    "CordonPlacesStale": ("cordon_places_stale 1x80", "cordon_places_stale 0x80", 61),
    "CordonFeedStuck": ("cordon_feed_waiting 9x20|cordon_feed_no_progress_seconds 0+60x20", "cordon_feed_waiting 0x20|cordon_feed_no_progress_seconds 0+60x20", 8),
    "CordonFeedLost": ("cordon_feed_lost_total 0+1x20", "cordon_feed_lost_total 4x20", 3),
    "CordonJournalLost": ("cordon_journal_lost_total 0+1x20", "cordon_journal_lost_total 4x20", 3),
    "CordonJournalUnsigned": ("cordon_journal_records_total 9x20|cordon_journal_signed_records 5x20", "cordon_journal_records_total 9x20|cordon_journal_signed_records 9x20", 11),
    "CordonRecordsLost": ('cordon_lost_records_total{kind="denials"} 0+1x20', 'cordon_lost_records_total{kind="denials"} 4x20', 3),
    "CordonVerdictMismatch": ("cordon_verdict_mismatches_total 0+1x20", "cordon_verdict_mismatches_total 0x20", 3),
}


def series(text):
    for one in text.split("|"):
        name, _, values = one.partition(" ")
        labels = dict(re.findall(r'(\w+)="([^"]*)"', name)) | {"instance": "db1"}
        yield {"series": name.partition("{")[0] + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}", "values": values}


def promtool(*args):
    return subprocess.run(["promtool", *args], capture_output=True, text=True, timeout=120)


def rule_tests(names, tmp):
    """One file a rule and way; whether it fires is read from promtool's difference, so that no text is compared."""
    for name in names:
        if name not in CASES:
            check(f"{name}/tested", False, "a rule without a case")
            continue
        for way, text in (("fires", CASES[name][0]), ("quiet", CASES[name][1])):
            case = {"rule_files": [str(RULES.resolve())], "evaluation_interval": "1m", "tests": [{
                "interval": "1m", "input_series": list(series(text)),
                "alert_rule_test": [{"eval_time": f"{CASES[name][2]}m", "alertname": name, "exp_alerts": []}]}]}
            path = tmp / f"{name}.{way}.yml"
            path.write_text(json.dumps(case))  # JSON is YAML
            p = promtool("test", "rules", str(path))
            fired = p.returncode != 0 and f'alertname="{name}"' in p.stdout + p.stderr
            check(f"{name}/{way}", fired == (way == "fires") and (fired or p.returncode == 0), p.stdout + p.stderr)


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def real_prometheus(names, metrics, tmp):
    body = "".join(f"{m} 1\n" for m in sorted(metrics)).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *a):
            pass

    agent = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=agent.serve_forever, daemon=True).start()
    at = port()
    (tmp / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(RULES.resolve())],
        "scrape_configs": [{"job_name": "cordon", "static_configs": [{"targets": [f"127.0.0.1:{agent.server_port}"]}]}]}))
    p = subprocess.Popen(["prometheus", f"--config.file={tmp}/prometheus.yml", f"--storage.tsdb.path={tmp}/data", f"--web.listen-address=127.0.0.1:{at}"],
                         stdout=open(tmp / "log", "w"), stderr=subprocess.STDOUT)
    try:
        ask = lambda path: json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{at}/api/v1/{path}", timeout=10))["data"]
        rules, up = [], []
        for _ in range(240):
            time.sleep(0.25)
            try:
                rules = [r for g in ask("rules")["groups"] for r in g["rules"]]
                up = ask("query?query=up%7Bjob%3D%22cordon%22%7D")["result"]
                if up and up[0]["value"][1] == "1" and rules and all(r["health"] == "ok" for r in rules):
                    break
            except OSError:
                pass
        check("prometheus/loads", sorted(r["name"] for r in rules) == sorted(names) and all(r["health"] == "ok" for r in rules), (tmp / "log").read_text()[-300:])
        check("prometheus/scrapes", bool(up) and up[0]["value"][1] == "1", up)
    finally:
        p.terminate()
        p.wait(30)
        agent.shutdown()


def main():
    written = set(re.findall(r'"(cordon_[a-z_]+)"', (ROOT / "agent/daemon/metrics_text.c").read_text()))
    rules, board = RULES.read_text(), json.loads(BOARD.read_text())
    used = set(re.findall(r"\bcordon_[a-z_]+", rules)) | {m for p in board["panels"] for t in p["targets"] for m in re.findall(r"\bcordon_[a-z_]+", t["expr"])}
    check("metrics/exist", used <= written, used - written)
    check("dashboard/whole", {p["id"] for p in board["panels"]} == set(range(1, len(board["panels"]) + 1)) and not written - used,
          f"in no panel and no rule: {written - used}")
    if not shutil.which("promtool") or not shutil.which("prometheus"):
        print("skip prometheus/all - needs prometheus, promtool")
        return
    names = re.findall(r"- alert: (\w+)", rules)
    check("rules/all_tested", set(names) == set(CASES), set(names) ^ set(CASES))
    p = promtool("check", "rules", str(RULES))
    check("rules/read", p.returncode == 0, p.stdout + p.stderr)
    with tempfile.TemporaryDirectory() as tmp:
        rule_tests(names, pathlib.Path(tmp))
        real_prometheus(names, written, pathlib.Path(tmp))


main()
sys.exit(bad)
