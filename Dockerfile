# Not built in our tests (they have no container engine); kept small so that it can be read.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /qingdang ./cmd/qingdang

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /qingdang /qingdang
ENV QINGDANG_DATA=/data QINGDANG_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/qingdang"]
CMD ["serve"]
