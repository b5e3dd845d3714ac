# The gateway in one image: `serve` with its embedded store, or, given FASTGW_REDIS_URL and FASTGW_DATABASE_URL, one of
# many stateless gateways. Any base with Python 3.11 or newer, venv and CA certificates will do.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
# For networks with a certificate authority of their own: the path of its bundle inside the build.
ARG PIP_CERT
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/fastgw
COPY requirements/run.txt docker/build.txt /src/
RUN /build/bin/pip --python /opt/fastgw/bin/python3 install --require-hashes --only-binary :all: -r /src/run.txt \
 && /build/bin/pip install --require-hashes -r /src/build.txt
COPY pyproject.toml README.md LICENSE* /src/
COPY fastgw /src/fastgw
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /src/dist /src \
 && /build/bin/pip --python /opt/fastgw/bin/python3 install --no-deps --no-index /src/dist/*.whl \
 && /opt/fastgw/bin/fastgw --help > /dev/null

FROM ${BASE}
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin fastgw \
 && install -d -o fastgw -g fastgw -m 0700 /data
COPY --from=build /opt/fastgw /opt/fastgw
# The root file system may be mounted read-only: byte code is compiled already, everything that changes is in /data.
ENV PATH=/opt/fastgw/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    FASTGW_HOST=0.0.0.0 FASTGW_PORT=8080 FASTGW_DATA_DIR=/data
USER fastgw
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python3", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['FASTGW_PORT'] + '/healthz', timeout=2)"]
ENTRYPOINT ["fastgw"]
CMD ["serve"]
