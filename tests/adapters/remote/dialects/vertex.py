"""Veo on Vertex AI as its reference tells it, and beside it Google's token server with one account's key."""

from __future__ import annotations

import atexit
import base64
import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

# Google's library reads this once: without it, it would look for Google's cloud around this machine.
os.environ["NO_GCE_CHECK"] = "true"

TOKEN = "ya29.token-of-the-tests"
PROJECT = "clips-1"
PLACE = f"projects/{PROJECT}/locations/us-central1/publishers/google/models"
PATH = re.compile(rf"/v1/{PLACE}/(?P<model>veo-[\w.-]+):(?P<what>predictLongRunning|fetchPredictOperation)")
MODELS = {f"veo-3.1-{tier}generate-001" for tier in ("", "fast-", "lite-")}

SENSITIVE = "This prompt contains sensitive words that violate Google's Responsible AI practices."

REFUSALS: Mapping[Fault, tuple[int, str, str]] = {
    "auth": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "billing": (403, "PERMISSION_DENIED", "This API method requires billing to be enabled."),
    "rate": (429, "RESOURCE_EXHAUSTED", "Quota exceeded for online prediction requests."),
    "parameter": (400, "INVALID_ARGUMENT", "Unsupported output video duration."),
    "server": (500, "INTERNAL", "Internal error encountered."),
    "moderation_input": (400, "INVALID_ARGUMENT", SENSITIVE),
    "expired": (404, "NOT_FOUND", "The operation was not found."),
}

ERRORS: Mapping[Fault, Mapping[str, Any]] = {
    "failed": {"code": 13, "message": "Internal error. Try again."},
    "moderation_input": {"code": 3, "message": SENSITIVE},
}

PARAMETERS = {
    "sampleCount": lambda value: value in range(1, 5),
    "durationSeconds": lambda value: type(value) is int and value in {4, 6, 8},
    "aspectRatio": lambda value: value in {"16:9", "9:16"},
    "resolution": lambda value: value in {"720p", "1080p", "4k"},
    "generateAudio": lambda value: type(value) is bool,
    "seed": lambda value: type(value) is int and 0 <= value < 2**32,
    "negativePrompt": lambda value: isinstance(value, str),
    "personGeneration": lambda value: value in {"dont_allow", "allow_adult", "allow_all"},
    "enhancePrompt": lambda value: type(value) is bool,
}


class _Tokens(BaseHTTPRequestHandler):
    """Exchanges whatever an account signed for a token."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        good = self.path == "/token" and b"assertion=" in asked
        body = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        content = json.dumps(body if good else {"error": "invalid_grant"}).encode()
        self.send_response(200 if good else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@cache
def token_server() -> str:
    """The address of a token server that lasts as long as the tests."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Tokens)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def key_file(path: Path, token_uri: str) -> Path:
    """A service account's key, made here and good nowhere else."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "project_id": "another-project",
        "private_key_id": "0",
        "private_key": private.decode(),
        "client_email": f"tests@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "0",
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(account))
    return path


@cache
def _account() -> str:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return str(key_file(Path(folder.name) / "key.json", f"{token_server()}/token"))


class VertexDialect(Dialect):
    """Operations of one project."""

    route: ClassVar[str] = "vertex"
    model: ClassVar[str] = "veo-3.1"
    parameters: ClassVar[Mapping[str, Any]] = {"project": PROJECT}
    address: ClassVar[str] = "EVALHARNESS_VERTEX_URL"
    inline: ClassVar[bool] = True
    strange_word: ClassVar[bool] = False
    tells_running: ClassVar[bool] = False

    @property
    def secrets(self) -> Mapping[str, str]:  # type: ignore[override]  # made when first asked for
        return {"GOOGLE_APPLICATION_CREDENTIALS": _account()}

    def wanted(self, heard: Heard) -> Wanted | None:
        found = PATH.fullmatch(heard.path)
        if found is None or heard.method != "POST" or found["model"] not in MODELS:
            return None
        if found["what"] == "predictLongRunning":
            return Wanted("create")
        model, _, operation = heard.body["operationName"].partition("/operations/")
        return Wanted("poll", operation) if model == f"{PLACE}/{found['model']}" else None

    def authorised(self, heard: Heard) -> bool:
        return heard.headers.get("authorization") == f"Bearer {TOKEN}"

    def objection(self, heard: Heard) -> str | None:
        body = heard.body
        if set(body) != {"instances", "parameters"} or len(body["instances"]) != 1:
            return "one instance and parameters are wanted"
        [instance] = body["instances"]
        if not isinstance(instance.get("prompt"), str) or set(instance) - {"prompt", "image"}:
            return "an instance has a prompt, and may have an image"
        image = instance.get("image", {"bytesBase64Encoded": "", "mimeType": "image/png"})
        if set(image) != {"bytesBase64Encoded", "mimeType"}:
            return "an image has bytes and a type"
        if image["mimeType"] not in {"image/png", "image/jpeg"}:
            return f"{image['mimeType']} is no type of an image"
        for name, value in body["parameters"].items():
            if name not in PARAMETERS or not PARAMETERS[name](value):
                return f"{name} must not be {value!r}"
        return None

    def accepted(self, task: VendorTask) -> Reply:
        return Reply(200, {"name": self._name(task)})

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        del word
        operation: dict[str, Any] = {"name": self._name(task)}
        if task.state in {"queued", "running"}:
            return Reply(200, operation)
        operation["done"] = True
        if task.state == "cancelled":
            return Reply(200, operation | {"error": {"code": 1, "message": "Cancelled."}})
        response: dict[str, Any] = {
            "@type": "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse",
            "raiMediaFilteredCount": 0,
        }
        if task.state == "succeeded":
            encoded = base64.b64encode(task.clip).decode()
            response["videos"] = [{"bytesBase64Encoded": encoded, "mimeType": "video/mp4"}]
        elif task.fault == "moderation_output":
            reasons = ["The video was filtered out for its audio. Support codes: 17301594"]
            response |= {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": reasons}
        else:
            return Reply(200, operation | {"error": ERRORS[task.fault or "failed"]})
        return Reply(200, operation | {"response": response})

    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        status, code, message = REFUSALS[fault]
        headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}
        return Reply(status, {"error": {"code": status, "status": code, "message": message}}, headers)

    def _name(self, task: VendorTask) -> str:
        return f"{PLACE}/veo-3.1-generate-001/operations/{task.id}"
