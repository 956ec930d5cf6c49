from typing import Any

from django import forms
from django.contrib.gis.geos import Point

from .models import Place


class PlaceForm(forms.ModelForm):
    """Longitude and latitude as two numbers: no map, no requests to a tile server."""

    longitude = forms.FloatField(min_value=-180, max_value=180)
    latitude = forms.FloatField(min_value=-90, max_value=90)

    class Meta:
        model = Place
        fields = ("name", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.location:
            self.initial["longitude"], self.initial["latitude"] = self.instance.location.coords

    def save(self, commit: bool = True) -> Place:
        self.instance.location = Point(
            self.cleaned_data["longitude"], self.cleaned_data["latitude"], srid=4326
        )
        return super().save(commit)
