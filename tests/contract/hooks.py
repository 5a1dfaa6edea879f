"""Who asks: nobody, or somebody of the role in CONTRACT_ROLE, made with the command line.

What is tried may end a login or an account, even the one that tries it: then there is a new one.
"""

import itertools
import os
import subprocess

import requests
import schemathesis

ROLE = os.environ.get("CONTRACT_ROLE", "")
BINARY = os.environ["CONTRACT_BINARY"]
URL = os.environ["CONTRACT_URL"]
PASSWORD = "Contract-Horse-1"
PATIENCE = 30  # seconds


class Caller:
    """One account and its token, made when they are first needed."""

    def __init__(self, role):
        self.role, self.names, self.now = role, itertools.count(), None

    def token(self):
        self.now = self.now or self.login()
        return self.now

    def login(self):
        name = f"contract-{self.role}-{next(self.names)}"
        subprocess.run(
            [BINARY, "user", "create", name, "--email", f"{name}@example.org", "--role", self.role],
            env={**os.environ, "PARLOR_PASSWORD": PASSWORD},
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
        with requests.Session() as session:
            session.trust_env = False
            body = {"username": name, "password": PASSWORD}
            answer = session.post(f"{URL}/api/auth/login", json=body, timeout=PATIENCE)
        answer.raise_for_status()
        return answer.json()["token"]

    def forget(self):
        self.now = None


if ROLE:
    caller = Caller(ROLE)

    @schemathesis.auth(refresh_interval=None)
    class Token:
        """Adds the token to each request that is to have one."""

        def get(self, case, context):
            return caller.token()

        def set(self, case, data, context):
            case.headers["Authorization"] = f"Bearer {data}"

    @schemathesis.hook
    def after_call(context, case, response):
        """A refused token, a logout: the next request needs another one."""
        sent = response.request.headers.get("Authorization")
        ended = response.status_code == 401 or case.operation.path == "/api/auth/logout"
        if ended and sent == f"Bearer {caller.now}":
            caller.forget()


def reachable(document, roots):
    """The names of all schemas that something of the document refers to, by whatever way."""
    found, waiting = set(), list(roots)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = value.get("$ref", "")
            if name and name not in found:
                found.add(name)
                waiting.append(resolve(document, name))
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found


def resolve(document, reference):
    value = document
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Clients are to ignore fields that they do not know, so the document forbids none. But the server
    is to send no field that the document does not tell of.
    """
    operations = [operation for item in raw_schema["paths"].values() for operation in item.values()]
    sent = reachable(raw_schema, [operation.get("requestBody", {}) for operation in operations])
    answered = reachable(raw_schema, [operation["responses"] for operation in operations])
    closed = 0
    for name in answered - sent:
        schema = resolve(raw_schema, name)
        if name.startswith("#/components/schemas/") and "properties" in schema:
            schema["additionalProperties"] = False
            closed += 1
    assert closed > 10, "the schemas of the answers are found"
