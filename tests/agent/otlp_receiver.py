# otlp_receiver.py PORT OUT [CODE,CODE ...] - an OTLP/HTTP receiver that parses what comes: answers with each CODE in turn, then 200.
# A CODE may be 429:2 (Retry-After), drop (closes), partial:N, poison (400 while a record says "poison"). A line "id" to OUT per record
# that it took; "! reason" where a request is not OTLP.
import gzip, http.server, json, sys

port, out, answers = int(sys.argv[1]), open(sys.argv[2], "a", buffering=1), (sys.argv[3].split(",") if len(sys.argv) > 3 else [])


def records(body):
    """Each record's id, after a look at everything that the protocol asks for."""
    doc = json.loads(body)
    assert list(doc) == ["resourceLogs"] and len(doc["resourceLogs"]) == 1
    resource = doc["resourceLogs"][0]
    about = {a["key"]: a["value"]["stringValue"] for a in resource["resource"]["attributes"]}
    assert about["service.name"] == "cordon" and about["host.name"], about
    for scope in resource["scopeLogs"]:
        assert scope["scope"]["name"] == "cordon"
        for r in scope["logRecords"]:
            assert set(r) == {"timeUnixNano", "observedTimeUnixNano", "severityNumber", "severityText", "body", "attributes"}, r
            assert r["timeUnixNano"].isdigit() and r["severityNumber"] in (9, 10, 13, 17, 21)
            line = json.loads(r["body"]["stringValue"])
            yield {a["key"]: a["value"]["stringValue"] for a in r["attributes"]}["event.id"], line


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def answer(self, code, body=b"{}", more=()):
        self.send_response(code)
        for k, v in more:
            self.send_header(k, v)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            assert self.path == "/v1/logs", self.path
            assert self.headers["Content-Type"] == "application/json"
            assert self.headers.get("X-Key", "a b") == "a b"
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
                out.write("gzip\n")
            got = list(records(body))
        except Exception as e:
            out.write(f"! {type(e).__name__} {e}\n")
            self.answer(200)
            return
        code = answers[0] if answers else "200"
        if code == "poison":
            if any(l.get("poison") for _, l in got):
                self.answer(400)
                return
            code = "200"
        elif answers:
            answers.pop(0)
        if code == "drop":
            self.close_connection = True
            self.connection.close()
            return
        partial = code.startswith("partial:")
        if code == "200" or partial:
            out.writelines(f"{i}\n" for i, _ in got)
            n = code.split(":")[1] if partial else "0"
            self.answer(200, json.dumps({"partialSuccess": {"rejectedLogRecords": n, "errorMessage": "full"}} if partial else {}).encode())
            return
        code, _, after = code.partition(":")
        self.answer(int(code), more=[("Retry-After", after)] if after else ())


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True


Server(("127.0.0.1", port), Handler).serve_forever()
