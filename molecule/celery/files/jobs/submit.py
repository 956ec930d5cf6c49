"""submit.py SECONDS...: queue naps of these lengths, numbered from 0."""

import sys

from jobs import nap

for number, seconds in enumerate(sys.argv[1:]):
    nap.delay(number, float(seconds))
