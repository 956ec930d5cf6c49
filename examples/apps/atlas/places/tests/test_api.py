from typing import Any

from django.test import TestCase, override_settings

from places.models import Place

URL = "/api/places/"


def feature(**changes: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [2.2945, 48.8584]},
        "properties": {"name": "Eiffel Tower"},
    } | changes


class PlacesApiTest(TestCase):
    def post(self, body: Any, **headers: str) -> Any:
        return self.client.post(URL, body, content_type="application/json", headers=headers)

    def test_lists_geojson(self) -> None:
        body = self.client.get(URL).json()
        self.assertEqual(body["type"], "FeatureCollection")
        greenwich = next(f for f in body["features"] if "Greenwich" in f["properties"]["name"])
        self.assertEqual(greenwich["geometry"], {"type": "Point", "coordinates": [-0.0015, 51.4779]})

    def test_sorts_by_distance(self) -> None:
        features = self.client.get(URL, {"near": "139.7,35.7"}).json()["features"]
        self.assertEqual(features[0]["properties"]["name"], "Mount Fuji")
        self.assertAlmostEqual(features[0]["properties"]["kilometers"], 95, delta=5)

    def test_creates_a_place(self) -> None:
        response = self.post(feature())
        self.assertEqual(response.status_code, 201)
        place = Place.objects.get(pk=response.json()["id"])
        self.assertEqual((place.name, place.location.coords), ("Eiffel Tower", (2.2945, 48.8584)))

    def test_refuses_bad_places(self) -> None:
        bad: dict[str, Any] = {
            "not json": "{",
            "a list": [1],
            "no geometry": {"properties": {"name": "x"}},
            "a line": feature(geometry={"type": "LineString", "coordinates": []}),
            "one number": feature(geometry={"type": "Point", "coordinates": [1]}),
            "not a number": feature(geometry={"type": "Point", "coordinates": ["nan", 0]}),
            "out of range": feature(geometry={"type": "Point", "coordinates": [0, 91]}),
            "no name": feature(properties={}),
            "a long name": feature(properties={"name": "x" * 121}),
            "no properties": feature(properties=None),
        }
        for what, body in bad.items():
            with self.subTest(what):
                response = self.post(body)
                self.assertEqual(response.status_code, 400)
                self.assertIn("error", response.json())

    @override_settings(API_TOKEN="let-me-in")
    def test_asks_for_the_token_only_when_something_is_written(self) -> None:
        self.assertEqual(self.client.get(URL).status_code, 200)
        self.assertEqual(self.post(feature()).status_code, 401)
        self.assertEqual(self.post(feature(), authorization="Bearer wrong").status_code, 401)
        self.assertEqual(self.post(feature(), authorization="Bearer let-me-in").status_code, 201)
