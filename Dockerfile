# The image of a release: the wheel, the locked packages and the programs of Debian 12. Build the wheel first.
#
#   ./run setup && .venv/bin/hatchling build
#   docker build --build-arg VERSION=$(.venv/bin/python -c 'import karyolot; print(karyolot.__version__)') \
#       --build-arg COMMIT=$(git rev-parse HEAD) --tag karyolot .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/data" karyolot run my-study
#   apptainer build karyolot.sif docker-daemon:karyolot:latest      (on a cluster; needs no root)
ARG BASE=debian:12-slim

FROM ${BASE} AS packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.lock dist/karyolot-*-py3-none-any.whl /build/
RUN python3 -m venv /usr/local/karyolot \
    && awk '/^[a-z0-9]/ { of_uv = /^uv==/ } of_uv' /build/requirements.lock > /build/uv.lock \
    && python3 -m venv /build/uv \
    && /build/uv/bin/pip install --quiet --no-cache-dir --require-hashes --requirement /build/uv.lock \
    && /build/uv/bin/uv pip install --quiet --no-cache --compile-bytecode --python /usr/local/karyolot/bin/python \
        --verify-hashes --constraint /build/requirements.lock "$(ls /build/karyolot-*.whl)[cluster,terminal]"

FROM ${BASE}
ARG VERSION=unknown
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="karyolot" \
    org.opencontainers.image.description="Decides from sequencing whether a lot of reprogrammed liver cells is genomically stable" \
    org.opencontainers.image.licenses="BSD-3-Clause" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${COMMIT}"
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        bcftools=1.16* bwa=0.7.17* fastp=0.23.2* gffread=0.12.7* minimap2=2.24* salmon=1.10.1* samtools=1.16.1* \
        libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 procps python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 karyolot
COPY --from=packages /usr/local/karyolot /usr/local/karyolot
# HOME: with --user, a user without an entry in /etc/passwd has the home /, and Snakemake cannot write its cache there.
ENV PATH=/usr/local/karyolot/bin:$PATH HOME=/tmp
USER karyolot
WORKDIR /data
ENTRYPOINT ["karyolot"]
CMD ["--help"]
