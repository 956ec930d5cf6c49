from django.urls import path

from . import api, views

urlpatterns = [
    path("", views.index, name="index"),
    path("favicon.ico", views.favicon),
    path("api/places/", api.places, name="api-places"),
    path("api/measurements/", api.measurements, name="api-measurements"),
    path("api/tasks/ping/", api.ping, name="api-ping"),
    path("api/tasks/<uuid:task_id>/", api.task, name="api-task"),
]
