#!/bin/bash
# Runs docker-compose.yml for real and shows it: images, health, the demo from this machine, Prometheus's targets, gateways and
# workers replaced, Redis killed, the demo again; then takes everything away. From the checkout, with DOCKER_HOST set as needed.
#
#   deploy/compose/try-out.sh [service …]     all services unless some are named; those they depend on come with them
#
# Where no image can be pulled, stand-in-images.sh makes all but Grafana's. Ends with status 1 when anything is not as it should be.
set -euo pipefail

home=$(mktemp -d)
if command -v docker-compose >/dev/null; then compose=(docker-compose); else compose=(docker compose); fi
compose+=(--env-file "$home/data/compose.env")
export SEALCAST_HOME=$home/data COMPOSE_PROJECT_NAME=sealcast-try-out
# A project of its own, on ports of its own, beside one that is in use.
export SEALCAST_REDIS_PORT=24379 SEALCAST_KMS_PORT=24599 SEALCAST_GATEWAY_PORT=24443 SEALCAST_GATEWAY_2_PORT=24444
export SEALCAST_METRICS_PORT_GATEWAY=29464 SEALCAST_METRICS_PORT_DELIVERY=29465 SEALCAST_METRICS_PORT_KMS=29466
export SEALCAST_METRICS_PORT_GATEWAY_2=29467 SEALCAST_METRICS_PORT_DELIVERY_2=29468 SEALCAST_PROMETHEUS_PORT=29090 SEALCAST_GRAFANA_PORT=23000

take_away() {
  "${compose[@]}" down --volumes --timeout 20 >/dev/null 2>&1 || true
  rm -rf "$home"
}
trap take_away EXIT

step() { printf '\n== %s\n' "$*"; }

until_healthy() {
  local deadline=$((SECONDS + 120)) state
  for id in $("${compose[@]}" ps -q); do
    until state=$(docker inspect -f '{{.State.Health.Status}}' "$id") && [ "$state" = healthy ]; do
      if ((SECONDS > deadline)); then
        docker inspect -f '{{.Name}} is {{.State.Health.Status}}' "$id"
        docker logs --tail 20 "$id"
        return 1
      fi
      sleep 1
    done
  done
  "${compose[@]}" ps
}

targets() {
  local answer up
  for _ in $(seq 60); do
    answer=$(wget -q -O - "http://127.0.0.1:$SEALCAST_PROMETHEUS_PORT/api/v1/targets?state=active")
    up=$(grep -o '"health":"up"' <<<"$answer" | wc -l)
    [ "$up" = 5 ] && ! grep -q '"health":"\(down\|unknown\)"' <<<"$answer" && break
    sleep 1
  done
  grep -o '"scrapeUrl":"[^"]*"\|"health":"[^"]*"' <<<"$answer" | paste - -
  [ "$up" = 5 ]
}

step "prepare"
npm run -s up -- --prepare-compose
step "build and start"
"${compose[@]}" up -d --build "$@"
step "health"
until_healthy
step "npm run demo, from this machine"
npm run -s demo
step "targets of Prometheus"
targets
for service in gateway gateway-2 delivery delivery-2; do
  step "restart of $service"
  "${compose[@]}" restart --timeout 15 "$service" 2>&1 | tail -1
done
step "Redis killed with SIGKILL"
docker kill --signal KILL "$("${compose[@]}" ps -q redis)" >/dev/null
# An engine takes its own kill for a wish that it stays down.
"${compose[@]}" up -d redis 2>&1 | tail -1
step "health"
until_healthy
step "npm run demo, again"
npm run -s demo
step "end"
"${compose[@]}" down --volumes --timeout 20 2>&1 | tail -3
echo "Everything was as it should be"
