# The service as a small image: wheels with checked hashes, one unprivileged user, data in /data.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/bridge
COPY requirements/runtime.txt requirements/
RUN /opt/bridge/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY plugin_contract plugin_contract
COPY bridge bridge
RUN /opt/bridge/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && /opt/bridge/bin/pip uninstall --yes --disable-pip-version-check setuptools pip

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home bridge
COPY --from=build /opt/bridge /opt/bridge
ENV PATH=/opt/bridge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BRIDGE_HOST=0.0.0.0 \
    BRIDGE_PORT=8080 \
    BRIDGE_DATA_DIR=/data
USER 10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"BRIDGE_PORT\"]}/healthz', timeout=2)"]
CMD ["bridge", "serve"]
