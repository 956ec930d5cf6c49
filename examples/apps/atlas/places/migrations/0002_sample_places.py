from django.contrib.gis.geos import Point
from django.db import migrations

# name, description, longitude, latitude
SAMPLES = [
    ("Royal Observatory, Greenwich", "Where longitude begins.", -0.0015, 51.4779),
    ("Mount Fuji", "A volcano, 3,776 meters high, that last erupted in 1707.", 138.7274, 35.3606),
    ("Machu Picchu", "An Inca citadel on a ridge above the Urubamba.", -72.545, -13.1631),
    ("Uluru", "A sandstone rock that rises 348 meters out of the plain.", 131.0369, -25.3444),
    ("Victoria Falls", "The smoke that thunders, on the Zambezi.", 25.8572, -17.9243),
    ("Geysir", "The hot spring that gave all others their name.", -20.3, 64.3104),
    ("Golden Gate Bridge", "Opened in 1937; repainted ever since.", -122.4783, 37.8199),
    ("Angkor Wat", "The largest religious monument in the world.", 103.8667, 13.4125),
]


def add_samples(apps, schema_editor):
    place_model = apps.get_model("places", "Place")
    for name, description, longitude, latitude in SAMPLES:
        place_model.objects.create(
            name=name, description=description, location=Point(longitude, latitude, srid=4326)
        )


def remove_samples(apps, schema_editor):
    apps.get_model("places", "Place").objects.filter(name__in=[row[0] for row in SAMPLES]).delete()


class Migration(migrations.Migration):
    dependencies = [("places", "0001_initial")]

    operations = [migrations.RunPython(add_samples, remove_samples)]
