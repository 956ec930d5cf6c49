import os

from atlas import logs

logconfig_dict = logs.configuration(os.environ.get("LOG_LEVEL", "INFO").upper())
