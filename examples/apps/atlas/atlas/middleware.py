import logging
import re
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from . import logs

logger = logging.getLogger("atlas.request")

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")


class RequestLogMiddleware:
    """Gives each request an id (the proxy's if it sent one) and logs one line when it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-ID", "")
        identifier = sent if _SAFE_ID.fullmatch(sent) else uuid.uuid4().hex
        token = logs.request_id.set(identifier)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = identifier
            self._log(request, response, time.perf_counter() - started)
            return response
        finally:
            logs.request_id.reset(token)

    @staticmethod
    def _log(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        healthy_probe = request.path == "/health/" and response.status_code == 200
        logger.log(
            logging.DEBUG if healthy_probe else logging.INFO,
            "%s %s %s",
            request.method,
            request.path,
            response.status_code,
            extra={
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 1),
            },
        )
