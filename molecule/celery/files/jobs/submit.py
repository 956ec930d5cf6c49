"""submit.py COUNT SECONDS: queue naps."""

import sys

from jobs import nap

count, seconds = int(sys.argv[1]), float(sys.argv[2])
for number in range(count):
    nap.delay(number, seconds)
