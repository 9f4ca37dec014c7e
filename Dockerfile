# An image of one static program, the certificates that TLS trusts, and nothing else.
#
#   docker build --tag argus-mcp .
#   docker run --rm --publish 127.0.0.1:9000:9000 argus-mcp server --host 0.0.0.0 --log-dir none --demo
#
# docs/operations.md tells of the data folder and the configuration, and of backends that need node or python.

FROM rust:1.95-slim-bookworm AS argus-files
WORKDIR /source
COPY . .
RUN scripts/image-files.sh /files --release

# scripts/test.sh builds and runs this stage as it stands here, with files that scripts/image-files.sh made.
FROM scratch
COPY --from=argus-files /files/root/ /
COPY --from=argus-files --chown=65532:65532 /files/data/ /var/lib/argus-mcp/
ENV ARGUS_CONFIG=/etc/argus-mcp/config.yaml ARGUS_STATE_DIR=/var/lib/argus-mcp
VOLUME /var/lib/argus-mcp
WORKDIR /var/lib/argus-mcp
USER 65532:65532
EXPOSE 9000
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/argus-mcp", "healthcheck"]
ENTRYPOINT ["/argus-mcp"]
CMD ["server", "--host", "0.0.0.0", "--log-dir", "none"]
