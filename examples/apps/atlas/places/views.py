from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
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


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon of pages that name none, such as those of the admin."""
    return redirect(static("places/icon.svg"))
