from django.contrib.gis.db import models
from django.core.validators import MinLengthValidator


class Place(models.Model):
    name = models.CharField(max_length=120, validators=[MinLengthValidator(2)])
    description = models.CharField(max_length=300, blank=True)
    location = models.PointField(geography=True, help_text="WGS 84")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return self.name

    @property
    def coordinates(self) -> str:
        """For people: 48.8584° N, 2.2945° E."""
        longitude, latitude = self.location.coords
        north_south = "N" if latitude >= 0 else "S"
        east_west = "E" if longitude >= 0 else "W"
        return f"{abs(latitude):.4f}° {north_south}, {abs(longitude):.4f}° {east_west}"


class Measurement(models.Model):
    """A row that a Celery task wrote: proof that the workers do their work."""

    class Source(models.TextChoices):
        PING = "ping", "asked for"
        HEARTBEAT = "heartbeat", "each minute"

    source = models.CharField(max_length=10, choices=Source)
    places = models.PositiveIntegerField(help_text="how many places there were")
    worker = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.get_source_display()}: {self.places} places"
