"""Every error that ecgimg raises on purpose.

::

    EcgImgError
    ├── BadRecord        a record that cannot be read, or that no ECG can be
    ├── UnknownLayout    no layout of that name, or a layout file that is wrong
    ├── UnreadablePage   a picture or PDF that cannot be read, or that no ECG page can be
    │   └── PasswordProtected   a PDF that only a password opens
    ├── BadRequest       values that no page can be drawn with (a negative size, an unknown degradation)
    ├── BadOutput        a place that cannot be written
    ├── MissingExtra     an optional package is needed and is not installed
    ├── MissingWeights   a shipped network is not where it was installed
    └── BadWeights       weights of a classifier that are missing, damaged or of another kind

A message is one sentence or two: what was wrong with which input, and what would mend it.
"""


class EcgImgError(Exception):
    """Base of all errors that ecgimg raises on purpose."""


class BadRecord(EcgImgError):
    """A record that cannot be read, or that no ECG can be."""


class UnknownLayout(EcgImgError):
    """No layout of that name, or a layout file that is wrong."""


class UnreadablePage(EcgImgError):
    """A picture or PDF that cannot be read, or that no ECG page can be."""


class PasswordProtected(UnreadablePage):
    """A PDF that only a password opens."""


class BadRequest(EcgImgError):
    """Values that no page can be drawn with."""


class BadOutput(EcgImgError):
    """A place that cannot be written."""


class MissingWeights(EcgImgError):
    """A shipped network is not where it was installed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the weights ecgimg/weights/{name} are missing; install ecgimg again")


class BadWeights(EcgImgError):
    """Weights of a classifier that are missing, damaged or of another kind."""


class MissingExtra(EcgImgError):
    """An optional package is needed and is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package {package}: pip install 'ecgimg[{extra}]'")
