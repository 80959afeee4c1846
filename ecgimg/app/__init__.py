"""The app: pages dropped into a browser, read, checked, corrected and downloaded; `http.server` starts it."""

import os

# What the app is built on asks before it is first imported whether it may report to its makers: it may not.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
