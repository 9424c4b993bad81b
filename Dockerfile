# Both stages are the same Debian release, so that the program finds the libc it was linked with.
FROM rust:1-slim-trixie AS build
WORKDIR /synod
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/synod/target \
    cargo build --locked --release --bin synod \
    && cp target/release/synod /usr/local/bin/synod

FROM debian:trixie-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/synod synod
COPY --from=build /usr/local/bin/synod /usr/local/bin/synod
USER synod
WORKDIR /var/lib/synod
# Without DATABASE_URL the embedded database is kept here.
ENV SYNOD_DATA_DIR=/var/lib/synod \
    SYNOD_LISTEN=0.0.0.0:8080
VOLUME /var/lib/synod
EXPOSE 8080
# SIGTERM, docker's own stop signal, lets the agents go in good order.
ENTRYPOINT ["synod"]
CMD ["serve"]
