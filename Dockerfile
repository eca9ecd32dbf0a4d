# syntax=docker/dockerfile:1
# The gateway with its dashboard and nothing else: no Pulumi, no localaws, no compiler, no shell history, no root.
# Build for the service (Fargate on arm64): docker buildx build --platform linux/arm64 -t gateway .
# Run it anywhere: docker run --read-only --tmpfs /run/gateway:uid=10001 --env-file gateway.env gateway

FROM python:3.13-slim AS build
WORKDIR /build
COPY pyproject.toml requirements.txt ./
# The project's own dependencies but Pulumi's, at the versions that requirements.txt pins.
RUN python -c "import tomllib; print(*(name for name in tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'] if not name.startswith('pulumi')), sep='\n')" > gateway.txt \
    && python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --constraint requirements.txt --requirement gateway.txt

# What it makes is the same for every platform, so it is never emulated.
FROM --platform=$BUILDPLATFORM node:24-slim AS web
WORKDIR /build
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY web/demo/ demo/
COPY web/dashboard/ dashboard/
RUN node -e "import('./dashboard/build.mjs').then(({ buildDashboard }) => buildDashboard())"

FROM python:3.13-slim
# One folder may be written to, even with a read-only root: Fargate mounts a volume over it, which
# takes its owner from here.
RUN useradd --system --uid 10001 --no-create-home gateway \
    && install -d -o gateway -m 0700 /run/gateway
COPY --from=build /venv /venv
WORKDIR /app
COPY wire/ wire/
COPY gateway/ gateway/
# The root is read-only where it runs, so a task could keep no bytecode: each would compile anew.
RUN python -m compileall -q --invalidation-mode unchecked-hash wire gateway
COPY --from=web /build/dist/dashboard dashboard/
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_LOG_FORMAT=json \
    GATEWAY_DASHBOARD_DIR=/app/dashboard
USER gateway
VOLUME ["/run/gateway"]
EXPOSE 8080
# SIGTERM drains: gateway/server.py.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('GATEWAY_PORT', '8080') + '/healthz', timeout=3)"]
ENTRYPOINT ["python", "-m", "gateway"]
CMD ["serve"]
