from django.apps import AppConfig


class PlacesConfig(AppConfig):
    name = "places"

    def ready(self) -> None:
        from . import listing  # noqa: F401 (connects the signals that clear the cache)
