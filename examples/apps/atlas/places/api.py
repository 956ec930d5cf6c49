"""The JSON API. Places are GeoJSON (RFC 7946): longitude first."""

import functools
import json
from collections.abc import Callable
from typing import Any

from celery.result import AsyncResult
from django.conf import settings
from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import tasks
from .models import Measurement, Place

PAGE_SIZE = 100
LONGEST_PING_SECONDS = 60

View = Callable[..., JsonResponse]


class BadInput(Exception):
    """What was sent can't be used; the text tells the sender why."""


def endpoint(view: View) -> View:
    """Errors as JSON, and the token asked for before anything is written if one is configured."""

    @csrf_exempt
    @never_cache
    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        if request.method == "POST" and not _is_authorized(request):
            return JsonResponse({"error": "a valid bearer token is needed"}, status=401)
        try:
            return view(request, *args, **kwargs)
        except BadInput as error:
            return JsonResponse({"error": str(error)}, status=400)

    return wrapped


def _is_authorized(request: HttpRequest) -> bool:
    if not settings.API_TOKEN:
        return True
    return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.API_TOKEN}")


@endpoint
@require_http_methods(["GET", "POST"])
def places(request: HttpRequest) -> JsonResponse:
    """GET lists the newest places (or, with ?near=LON,LAT, the nearest); POST adds a feature."""
    if request.method == "POST":
        return JsonResponse(as_feature(create_place(read_json(request))), status=201)
    queryset = Place.objects.all()
    if near := request.GET.get("near"):
        point = read_point(near.split(","))
        queryset = queryset.annotate(distance=Distance("location", point)).order_by("distance")
    features = [as_feature(place) for place in queryset[:PAGE_SIZE]]
    return JsonResponse({"type": "FeatureCollection", "features": features})


@endpoint
@require_POST
def ping(request: HttpRequest) -> JsonResponse:
    """Start the ping task; the body may say {"seconds": N} to make it last that long."""
    body = read_json(request) if request.body else {}
    seconds = body.get("seconds", 0)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_PING_SECONDS:
        raise BadInput(f"seconds must be a number from 0 to {LONGEST_PING_SECONDS}")
    result = tasks.ping.delay(seconds)
    return JsonResponse({"id": result.id, "state": result.state}, status=202)


@endpoint
@require_safe
def task(request: HttpRequest, task_id: str) -> JsonResponse:
    """The state of a task, and its result once it has one. Celery calls unknown ids PENDING."""
    result = AsyncResult(str(task_id))
    answer: dict[str, Any] = {"id": result.id, "state": result.state}
    if result.successful():
        answer["result"] = result.result
    elif result.failed():
        answer["error"] = type(result.result).__name__
    return JsonResponse(answer)


@endpoint
@require_safe
def measurements(request: HttpRequest) -> JsonResponse:
    """The newest rows that tasks wrote."""
    rows = Measurement.objects.values("id", "source", "places", "worker", "created_at")
    return JsonResponse({"measurements": list(rows[:PAGE_SIZE])})


def read_json(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        raise BadInput("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise BadInput("the body must be a JSON object")
    return body


def read_point(coordinates: Any) -> Point:
    try:
        longitude, latitude = (float(number) for number in coordinates)
    except (TypeError, ValueError):
        raise BadInput("coordinates must be two numbers: longitude, latitude") from None
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise BadInput("longitude must be within ±180 and latitude within ±90 degrees")
    return Point(longitude, latitude, srid=4326)


def create_place(feature: dict[str, Any]) -> Place:
    geometry, properties = feature.get("geometry"), feature.get("properties")
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        raise BadInput("geometry must be a GeoJSON Point")
    if not isinstance(properties, dict):
        raise BadInput("properties must be an object with a name")
    place = Place(
        name=properties.get("name", ""),
        description=properties.get("description", ""),
        location=read_point(geometry.get("coordinates")),
    )
    try:
        place.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise BadInput(f"{field}: {messages[0]}") from None
    place.save()
    return place


def as_feature(place: Place) -> dict[str, Any]:
    properties = {
        "name": place.name,
        "description": place.description,
        "created_at": place.created_at.isoformat(),
    }
    if (distance := getattr(place, "distance", None)) is not None:
        properties["kilometers"] = round(distance.km, 1)
    return {
        "type": "Feature",
        "id": place.pk,
        "geometry": {"type": "Point", "coordinates": list(place.location.coords)},
        "properties": properties,
    }
