# Comet in an image of its own: docker build -t comet . && docker run --rm -p 9876:9876 -p 10909:10909 -p 10911:10911 \
#   -p 127.0.0.1:8080:8080 -e COMET_BROKER_IP1=127.0.0.1 -v comet-data:/data comet
FROM docker.io/denoland/deno:2.9.6 AS build
WORKDIR /src
COPY . .
RUN deno task compile --output /out/comet
# The volume is made with the owner of this folder.
RUN mkdir -p /out/data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/comet /usr/local/bin/comet
COPY --from=build --chown=65532:65532 /out/data /data
# COMET_BROKER_IP1 is what clients are told to connect to: the name or address of the machine that maps the ports.
ENV COMET_STORE_PATH_ROOT_DIR=/data
# Name server, broker, its second port, HTTP.
EXPOSE 9876 10911 10909 8080
VOLUME ["/data"]
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["/usr/local/bin/comet", "health"]
ENTRYPOINT ["/usr/local/bin/comet"]
CMD ["serve"]
