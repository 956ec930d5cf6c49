from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .forms import PlaceForm
from .models import Measurement, Place


@admin.register(Place)
class PlaceAdmin(admin.ModelAdmin):
    form = PlaceForm
    list_display = ("name", "coordinates", "created_at")
    search_fields = ("name", "description")
    date_hierarchy = "created_at"


@admin.register(Measurement)
class MeasurementAdmin(admin.ModelAdmin):
    list_display = ("created_at", "source", "places", "worker")
    list_filter = ("source",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
