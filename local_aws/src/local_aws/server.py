"""One HTTP endpoint for all of AWS: Athena, export tasks and a few calls of Glue are answered here, the rest by moto."""

import json
import re
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from moto.moto_server import werkzeug_app as moto
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local_aws import clients
from local_aws.athena_api import AthenaApi
from local_aws.export_task_api import ExportTaskApi
from local_aws.export_tasks import ApiError as ExportTaskError
from local_aws.glue_fixes import GlueFixes
from local_aws.protocol import ApiError
from local_aws.recording import Call, calls_of
from local_aws.trino_server import HOST, TrinoServer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# Or a web page open in a browser on this machine could read all that is kept here.
moto.DISABLE_GLOBAL_CORS = True


class Api(Protocol):
    """Part of an AWS service: `call` answers the operations in `operations` and raises ApiError; moto answers the others."""

    @property
    def operations(self) -> Collection[str]: ...

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]: ...


class LocalAws:
    """S3, Glue, Athena and the rest of moto on loopback: a context manager, ready once entered.

    `port` 0 takes a free one; `heap` is Trino's, as in -Xmx. Any credentials will do, but there is only one `region`.
    All that is stored is in the memory of this process, in moto, whose state is global: two servers that shall not share
    it are two processes.
    Entering raises TrinoError if Trino cannot be fetched or started.
    """

    endpoint: str
    trino: TrinoServer
    export_tasks: ExportTaskApi

    def __init__(self, *, port: int = 0, region: str = "us-east-1", heap: str = "2G") -> None:
        self.region = region
        self._port = port
        self._heap = heap
        self._moto = moto.DomainDispatcherApplication(moto.create_backend_app)
        self._apis: dict[str, Api] = {"AWSGlue": GlueFixes(region)}
        self._recordings: list[set[Call]] = []
        self._running = ExitStack()

    def __enter__(self) -> "LocalAws":
        with ExitStack() as running:
            http = make_server(HOST, self._port, self._application, threaded=True, request_handler=_QuietHandler)
            running.callback(http.server_close)
            threading.Thread(target=http.serve_forever, name="local-aws", daemon=True).start()
            running.callback(http.shutdown)
            self.endpoint = f"http://{HOST}:{http.server_port}"

            data_dir = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="local-aws-")))
            self.trino = TrinoServer(aws_endpoint=self.endpoint, region=self.region, data_dir=data_dir, heap=self._heap)
            running.enter_context(self.trino)

            athena = AthenaApi(aws_endpoint=self.endpoint, trino=self.trino, region=self.region)
            running.callback(athena.close)
            self.export_tasks = ExportTaskApi(self.endpoint, self.region)
            self._apis |= {"AmazonAthena": athena, "Logs_20140328": self.export_tasks}
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def environment(self) -> dict[str, str]:
        """The variables that send the clients of AWS here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": clients.KEY_ID,
            "AWS_SECRET_ACCESS_KEY": clients.SECRET,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }

    @contextmanager
    def recording(self) -> Iterator[set[Call]]:
        """Collect what AWS is asked for meanwhile, by clients and by Athena on their behalf: what IAM has to allow."""
        calls: set[Call] = set()
        self._recordings.append(calls)
        try:
            yield calls
        finally:
            self._recordings = [other for other in self._recordings if other is not calls]

    def _application(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if recordings := self._recordings:
            for call in calls_of(environ):
                for calls in recordings:
                    calls.add(call)
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        api = self._apis.get(service)
        region = _signed_region(environ)
        answer: WSGIApplication
        if api and region not in (None, self.region):
            # moto would keep tables for each region, and Trino would not find those of another.
            text = f"This server is region {self.region} and was asked for {region}: set AWS_REGION={self.region} for the client"
            answer = _json({"__type": "ValidationException", "Message": text}, 400)
        elif api and operation in api.operations:
            answer = _answer(api, operation, environ)
        else:
            answer = self._moto
        return answer(environ, start_response)


class _QuietHandler(moto.MotoRequestHandler):
    """moto's, without an access log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def _signed_region(environ: dict[str, Any]) -> str | None:
    scope = re.search(r"Credential=[^/,]+/\d+/([^/,]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return scope and scope[1]


def _answer(api: Api, operation: str, environ: dict[str, Any]) -> Response:
    try:
        return _json(api.call(operation, json.loads(Request(environ).get_data())))
    except json.JSONDecodeError as error:
        return _json({"__type": "SerializationException", "Message": str(error)}, 400)
    except ApiError as error:
        return _json(error.body, error.status)
    except ExportTaskError as error:
        return _json({"__type": error.code, "message": error.message}, error.status)


def _json(answer: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(answer), status, content_type="application/x-amz-json-1.1")
