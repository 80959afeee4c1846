# The app in a container: no root, no password inside, nothing fetched when it runs.
#
#   docker build -t ecgimg-app .
#   docker run --rm -p 127.0.0.1:7860:7860 -e ECGIMG_PASSWORD --read-only --tmpfs /tmp:size=2g ecgimg-app
#
# Other options of `ecgimg app` can follow the name of the image.
FROM python:3.12-slim AS build

WORKDIR /src
RUN python -m venv /opt/ecgimg
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY layouts layouts
COPY synth synth
COPY ecgimg ecgimg
RUN /opt/ecgimg/bin/pip install --no-cache-dir --constraint constraints.txt '.[app,heic,formats]'

FROM python:3.12-slim

RUN useradd --create-home --uid 10001 ecgimg
COPY --from=build /opt/ecgimg /opt/ecgimg
USER ecgimg
WORKDIR /home/ecgimg
ENV PATH=/opt/ecgimg/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    GRADIO_ANALYTICS_ENABLED=False \
    ORT_DISABLE_TELEMETRY=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
# The password comes from the environment (ECGIMG_PASSWORD): without one the app does not start on an open address.
# Files of all people stay below the size of the /tmp that the command above gives.
ENTRYPOINT ["ecgimg", "app", "--host", "0.0.0.0", "--max-total-mb", "1500"]
