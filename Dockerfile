# Parlor in a container: `docker build --tag parlor .`
#
# What of this was tried without Docker, and how: docs/running.md.

FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
# The mounts keep what was downloaded and compiled for the next build; only the binary leaves them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked && install -D target/release/parlor /out/parlor

FROM debian:trixie-slim
# The same numbers everywhere, so that a volume keeps its owner.
RUN groupadd --gid 10001 parlor \
    && useradd --uid 10001 --gid parlor --home-dir /var/lib/parlor --shell /usr/sbin/nologin parlor \
    && install -d -m 0700 -o parlor -g parlor /var/lib/parlor
COPY --from=build /out/parlor /usr/local/bin/parlor
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/parlor/
USER 10001:10001
# The database, the signing secret and the certificates.
WORKDIR /var/lib/parlor
VOLUME /var/lib/parlor
ENV HOST=0.0.0.0 \
    PORT=8080 \
    DATABASE_URL=sqlite:///var/lib/parlor/data/parlor.db \
    SSL_CERT_PATH=/var/lib/parlor/certs/cert.pem \
    SSL_KEY_PATH=/var/lib/parlor/certs/key.pem
EXPOSE 8080
STOPSIGNAL SIGTERM
# It asks where the settings put the server, and gives up after 5 s itself.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["parlor", "health"]
ENTRYPOINT ["parlor"]
CMD ["serve"]
