from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .listing import listed_places
from .models import Measurement, Place


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "places/index.html",
        {
            "places": listed_places(),
            "total": Place.objects.count(),
            "measurement": Measurement.objects.first(),
            "release": settings.RELEASE,
        },
    )
