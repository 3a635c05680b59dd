#!/bin/sh
# Makes images under the names that docker-compose.yml asks for where none can be pulled: Debian by debootstrap, with its
# redis-server and prometheus, and the Node of node_modules. As root, from the checkout, with DOCKER_HOST set as needed.
# For trying out docker-compose.yml and the container way of the tests; not for use.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include=ca-certificates,libstdc++6,redis-server,redis-tools,wget bookworm "$work/root" >/dev/null
rm -rf "$work/root/var/cache/apt" "$work/root/var/lib/apt/lists"
tar -C "$work/root" -c . |
  docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - sealcast-stand-in:debian

mkdir "$work/files"
cp node_modules/node/bin/node "$work/files/node"
cp -rL "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$work/files/npm"
# The roots this machine trusts, which may be more than Debian's.
cp /etc/ssl/certs/ca-certificates.crt "$(command -v prometheus)" "$(command -v promtool)" "$work/files"

docker build -q -t node:24-bookworm-slim -f - "$work/files" <<'IMAGE'
FROM sealcast-stand-in:debian
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY ca-certificates.crt /etc/ssl/certs/
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
IMAGE
docker build -q -t redis:7.2-bookworm -f - "$work/files" <<'IMAGE'
FROM sealcast-stand-in:debian
WORKDIR /data
CMD ["redis-server"]
IMAGE
docker build -q -t prom/prometheus:v2.53.4 -f - "$work/files" <<'IMAGE'
FROM sealcast-stand-in:debian
COPY prometheus promtool /bin/
USER nobody
ENTRYPOINT ["/bin/prometheus"]
IMAGE
