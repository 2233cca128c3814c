# Belfry as one static binary in an image that holds nothing else: no shell, no
# package manager. Needs BuildKit (the default since Docker 23).
#
#   docker build --build-arg VERSION=1.2.3 --build-arg COMMIT=$(git rev-parse HEAD) -t belfry:1.2.3 .

FROM --platform=$BUILDPLATFORM node:22 AS console
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN --mount=type=cache,target=/root/.npm \
    npm install --no-save
COPY web ./
RUN npm run build

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
# The toolchain that go.mod names, whatever this image has: it may be one with known vulnerabilities.
ENV GOTOOLCHAIN=auto
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download
COPY . .

COPY --from=console /src/web/dist web/dist

ARG VERSION=dev
ARG COMMIT=
ARG BUILD_DATE=
ARG TARGETOS
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION -X main.buildCommit=$COMMIT -X main.buildDate=$BUILD_DATE" -o /image/belfry ./cmd/belfry

# The rest of the image: CA certificates, and a name for the user.
RUN mkdir -p /image/etc/ssl/certs \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && echo 'belfry:x:65532:65532:belfry:/:/nonexistent' > /image/etc/passwd \
 && echo 'belfry:x:65532:' > /image/etc/group

# A new volume that is mounted over a directory of the image takes over its owner.
# The directory is copied inside another one, because COPY gives the owner to what
# it copies, and not always to the place it copies to.
RUN mkdir -p -m 0700 /owned/secrets

FROM scratch
ARG VERSION=dev
ARG COMMIT=
ARG BUILD_DATE=
LABEL org.opencontainers.image.title="Belfry" \
      org.opencontainers.image.description="Delivers alerts to destinations with retries, and keeps what every attempt got back" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$COMMIT \
      org.opencontainers.image.created=$BUILD_DATE \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /owned/ /
ENV BELFRY_LISTEN=0.0.0.0:8080
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/belfry", "health"]
ENTRYPOINT ["/belfry"]
CMD ["serve"]
