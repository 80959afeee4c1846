"""From the picture of an ECG to its calibrated signals: one module a stage, `pipeline` in the order data flows."""

from ecgimg.digitization.pipeline import digitize_image
from ecgimg.digitization.result import Digitization, LeadReading
from ecgimg.digitization.single_page import digitize, digitize_page

__all__ = ["Digitization", "LeadReading", "digitize", "digitize_image", "digitize_page"]
