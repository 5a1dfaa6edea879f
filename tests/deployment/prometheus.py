"""A Prometheus that reads one Parlor every second, with our alerts."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from parlor import METRICS_TOKEN, PATIENCE, ROOT, free_port, until

BINARY = ROOT / "target/tools/prometheus/usr/bin/prometheus"

CONFIG = """
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: parlor
    scheme: https
    authorization: {{ credentials: "{token}" }}
    tls_config: {{ ca_file: "{ca}" }}
    static_configs: [{{ targets: ["localhost:{port}"] }}]
"""


class Prometheus:
    def __init__(self, home, parlor):
        self.port = free_port()
        rules = ROOT / "deploy/prometheus/parlor.rules.yaml"
        config = home / "prometheus.yaml"
        config.write_text(
            CONFIG.format(
                rules=rules, token=METRICS_TOKEN, ca=parlor.home / "certs/ca.pem", port=parlor.port
            )
        )
        self.log = open(home / "prometheus.log", "wb")
        self.process = subprocess.Popen(
            [
                BINARY,
                f"--config.file={config}",
                f"--storage.tsdb.path={home / 'numbers'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=self.log,
            stderr=self.log,
        )
        self.http = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def open(self, path):
        return self.http.open(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE)

    def is_ready(self):
        """Whether it answers questions: it listens before it has opened its database, with 503 until then."""
        if self.process.poll() is not None:
            raise SystemExit("Prometheus ended by itself; see its log")
        try:
            return self.open("/-/ready").close() is None
        except (urllib.error.URLError, ConnectionError):
            return False

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        try:
            with self.open(f"/api/v1/{path}?{query}") as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{parameters or path}: {error.read().decode()}") from error

    def query(self, expression):
        """The labels of what there is of an expression now."""
        return [series["metric"] for series in self.ask("query", query=expression)["result"]]

    def has_seen(self, scrapes):
        expression = f'count_over_time(up{{job="parlor"}}[1m]) >= {scrapes} and up == 1'
        until(f"{scrapes} scrapes", lambda: self.query(expression))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.log.close()
