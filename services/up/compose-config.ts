/** What `--prepare-compose` has to know, and what docker-compose.yml is to be told, from the same variables. */

import { isAbsolute, resolve } from 'node:path'
import { type Environment, readSettings } from '#shared/config'

export type ComposeConfig = ReturnType<typeof readComposeConfig>

/** On this machine, all on loopback; defaults as in docker-compose.yml, which a test compares. */
const PORTS = {
  gateway: ['SEALCAST_GATEWAY_PORT', 4443],
  gateway2: ['SEALCAST_GATEWAY_2_PORT', 4444],
  kms: ['SEALCAST_KMS_PORT', 4599],
  redis: ['SEALCAST_REDIS_PORT', 4379],
  metricsGateway: ['SEALCAST_METRICS_PORT_GATEWAY', 9464],
  metricsDelivery: ['SEALCAST_METRICS_PORT_DELIVERY', 9465],
  metricsKms: ['SEALCAST_METRICS_PORT_KMS', 9466],
  metricsGateway2: ['SEALCAST_METRICS_PORT_GATEWAY_2', 9467],
  metricsDelivery2: ['SEALCAST_METRICS_PORT_DELIVERY_2', 9468],
  prometheus: ['SEALCAST_PROMETHEUS_PORT', 9090],
  grafana: ['SEALCAST_GRAFANA_PORT', 3000],
} as const

/** Handed on to docker-compose.yml when they are set; it has the defaults. */
const HANDED_ON = [
  'SEALCAST_DATA_KEY_REUSE_SECONDS',
  'SEALCAST_PARTITIONS',
  'SEALCAST_REGIONS',
  'SEALCAST_REDIS_FSYNC',
  'SEALCAST_IMAGE_TAG',
  'SEALCAST_NODE_IMAGE',
  'SEALCAST_REDIS_IMAGE',
  'SEALCAST_PROMETHEUS_IMAGE',
  'SEALCAST_GRAFANA_IMAGE',
]

/**
 * @param cwd what a relative SEALCAST_HOME is relative to
 * @throws {ConfigError} naming every bad variable
 */
export function readComposeConfig(env: Environment, cwd: string) {
  return readSettings(env, (read) => {
    // A port of 0 would have to be found out and told to two files: every port is a fixed one here.
    const ports = Object.fromEntries(
      Object.entries(PORTS).map(([name, [variable, standard]]) => [
        name,
        read.integer(variable, { default: standard, min: 1, max: 65_535 }),
      ]),
    ) as Record<keyof typeof PORTS, number>
    const account = read.text('SEALCAST_ACCOUNT_ID', { default: '000000000000' })
    if (!/^\d{12}$/.test(account)) read.refuse('SEALCAST_ACCOUNT_ID', 'must be 12 digits')
    const region = read.text('SEALCAST_REGION', { default: 'us-east-1' })
    if (!/^[a-z0-9-]{1,32}$/.test(region)) read.refuse('SEALCAST_REGION', 'must be a region, such as us-east-1')
    const publicUrl = read.text('SEALCAST_PUBLIC_URL', { default: `https://localhost:${ports.gateway}` })
    if (!/^https?:$/.test(URL.parse(publicUrl)?.protocol ?? '')) {
      read.refuse('SEALCAST_PUBLIC_URL', 'must be an http or https URL')
    }
    const home = read.text('SEALCAST_HOME', { default: '.sealcast-compose' })
    return {
      home: isAbsolute(home) ? home : resolve(cwd, home),
      account,
      region,
      publicUrl,
      endpointNetworks: read.text('SEALCAST_ENDPOINT_NETWORKS', { default: 'private' }),
      ports,
    }
  })
}

/** @returns values by name, for an env file that docker-compose reads */
export function composeVariables(
  env: Environment,
  config: ComposeConfig,
  owner: { uid: number; gid: number },
): Record<string, string> {
  const ports = Object.entries(PORTS).map(([name, [variable]]) => [
    variable,
    String(config.ports[name as keyof typeof PORTS]),
  ])
  const handedOn = HANDED_ON.flatMap((name) => (env[name] ? [[name, env[name]]] : []))
  return {
    SEALCAST_UID: String(owner.uid),
    SEALCAST_GID: String(owner.gid),
    SEALCAST_COMPOSE_HOME: config.home,
    SEALCAST_ACCOUNT_ID: config.account,
    SEALCAST_PUBLIC_URL: config.publicUrl,
    SEALCAST_ENDPOINT_NETWORKS: config.endpointNetworks,
    ...Object.fromEntries([...ports, ...handedOn]),
  }
}
