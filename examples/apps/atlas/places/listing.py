"""The places of the front page, kept in Redis until one of them changes."""

from dataclasses import dataclass

from django.core.cache import cache
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from .models import Place

CACHE_KEY = "places"
CACHE_SECONDS = 60
SHOWN = 100


@dataclass(frozen=True)
class ListedPlace:
    name: str
    description: str
    coordinates: str
    map_x: float
    map_y: float


def listed_places() -> list[ListedPlace]:
    """The newest places, at most SHOWN."""
    return cache.get_or_set(CACHE_KEY, _read, CACHE_SECONDS)


def _read() -> list[ListedPlace]:
    return [_listed(place) for place in Place.objects.all()[:SHOWN]]


def _listed(place: Place) -> ListedPlace:
    longitude, latitude = place.location.coords
    return ListedPlace(
        name=place.name,
        description=place.description,
        coordinates=place.coordinates,
        # The map's unit is half a degree and its y axis points down.
        map_x=round(longitude * 2, 1),
        map_y=round(latitude * -2, 1),
    )


@receiver([post_save, post_delete], sender=Place)
def forget_places(**_: object) -> None:
    transaction.on_commit(lambda: cache.delete(CACHE_KEY))
