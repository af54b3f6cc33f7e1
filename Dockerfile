# One image for the hook Jobs, the watch and the plugin sidecar: an environment, and nothing else.
# Each of them names its command: ["fermata", "hold"], ["fermata", "render"], ...
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /build
COPY requirements-build.txt requirements.txt ./
# Dependencies are a layer before the sources: a change of ours rebuilds only what follows.
RUN python -m venv /opt/tools \
 && /opt/tools/bin/pip install --no-cache-dir --quiet --require-hashes -r requirements-build.txt \
 && python -m venv --without-pip /opt/fermata \
 && /opt/tools/bin/uv pip install --no-cache --quiet --python /opt/fermata/bin/python --compile-bytecode \
      --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY hooks hooks
COPY plugin plugin
RUN /opt/tools/bin/python -m hatchling build -t wheel \
 && /opt/tools/bin/uv pip install --no-cache --quiet --python /opt/fermata/bin/python --compile-bytecode \
      --no-deps dist/*.whl

# What the image holds, in CycloneDX: docker build --target sbom, made and taken out by `make image`.
FROM build AS sbom
COPY requirements-sbom.txt ./
RUN python -m venv --without-pip /opt/sbom \
 && /opt/tools/bin/uv pip install --no-cache --quiet --python /opt/sbom/bin/python --require-hashes -r requirements-sbom.txt \
 && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --output-format JSON --output-file /opt/sbom.cdx.json \
      --pyproject pyproject.toml /opt/fermata/bin/python

FROM ${BASE_IMAGE} AS run
LABEL org.opencontainers.image.title="fermata" \
      org.opencontainers.image.description="Holds Apache Airflow still while Argo CD changes what is under it" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/fermata /opt/fermata
# Its root file system may be read-only: nothing is compiled at run time.
ENV PATH=/opt/fermata/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Numeric, so that runAsNonRoot can be checked; 999 is what Argo CD asks of a plugin's sidecar.
USER 999:999
CMD ["fermata", "--help"]

# For a release Job that may take a commit back (docker build --target rollback): the same, and git.
FROM run AS rollback
USER 0:0
RUN apt-get -qq update \
 && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends git openssh-client > /dev/null \
 && rm -rf /var/lib/apt/lists/*
USER 999:999

# What `docker build` makes where nobody names a target.
FROM run
