from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point
from django.core.cache import cache
from django.test import TestCase

from places.models import Measurement, Place


class IndexTest(TestCase):
    def setUp(self) -> None:
        cache.clear()

    def test_lists_the_sample_places(self) -> None:
        self.assertContains(self.client.get("/"), "Machu Picchu")

    def test_a_new_place_appears_at_once(self) -> None:
        self.client.get("/")
        with self.captureOnCommitCallbacks(execute=True):
            Place.objects.create(name="<b>Eiffel</b>", location=Point(2.2945, 48.8584, srid=4326))
        response = self.client.get("/")
        self.assertContains(response, "&lt;b&gt;Eiffel&lt;/b&gt;")
        self.assertContains(response, "48.8584° N, 2.2945° E")

    def test_comes_from_the_cache_the_second_time(self) -> None:
        self.client.get("/")
        with self.assertNumQueries(2):
            self.client.get("/")

    def test_tells_who_counted_last(self) -> None:
        Measurement.objects.create(source="ping", places=8, worker="worker-7")
        self.assertContains(self.client.get("/"), "by worker-7: 8 places")

    def test_has_an_icon_where_browsers_look_for_it(self) -> None:
        self.assertRegex(self.client.get("/favicon.ico").url, r"places/icon.*\.svg$")


class AdminTest(TestCase):
    def setUp(self) -> None:
        self.client.force_login(get_user_model().objects.create_superuser("ada", "", "secret"))

    def test_adds_a_place_by_two_numbers(self) -> None:
        form = {"name": "Null Island", "description": "", "longitude": "0", "latitude": "0"}
        response = self.client.post("/admin/places/place/add/", form)
        self.assertRedirects(response, "/admin/places/place/")
        self.assertEqual(Place.objects.get(name="Null Island").location.coords, (0, 0))

    def test_shows_the_numbers_of_a_place_and_loads_nothing_from_elsewhere(self) -> None:
        place = Place.objects.get(name="Uluru")
        response = self.client.get(f"/admin/places/place/{place.pk}/change/")
        self.assertContains(response, 'value="131.0369"')
        self.assertNotContains(response, 'src="http')
