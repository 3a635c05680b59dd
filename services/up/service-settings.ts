/** The environment the services are started with. */

import type { Environment } from '#shared/config'
import { awsSettings } from './aws-settings.ts'
import { SHARES_PORTS, type UpConfig } from './config.ts'
import type { DataDirectory } from './data-directory.ts'

export interface Ports {
  readonly gateway: number
  readonly http?: number
  /** None with AWS KMS. */
  readonly kms?: number
  readonly kmsAdmin?: number
  /** By the name of the process. */
  readonly metrics: ReadonlyMap<string, number>
}

/**
 * Everything that is set goes on to the services, and wins where `up` only has a default of its own.
 *
 * @returns one environment for each process, by its name; they differ in the metrics port
 */
export function serviceSettings(o: {
  env: Environment
  config: UpConfig
  directory: DataDirectory
  ports: Ports
  redisUrl: string
  /** The access key that `env` gives to clients. */
  clientAccessKeyId: string
}): ReadonlyMap<string, Environment> {
  const { config, directory, ports } = o
  const settings = {
    ...withoutClientSettings(o.env, directory),
    ...awsSettings(o.env, { kms: config.kms, clientAccessKeyId: o.clientAccessKeyId }),
    SEALCAST_HOME: config.home,
    SEALCAST_ACCOUNT_ID: config.account,
    SEALCAST_REGION: config.region,
    SEALCAST_PUBLIC_URL: publicUrl(config, ports),
    SEALCAST_GATEWAY_PORT: String(ports.gateway),
    ...(ports.http === undefined ? {} : { SEALCAST_HTTP_PORT: String(ports.http) }),
    SEALCAST_TLS_CERT_FILE: config.tlsFiles?.certificate ?? directory.gatewayCertificate,
    SEALCAST_TLS_KEY_FILE: config.tlsFiles?.key ?? directory.gatewayKey,
    SEALCAST_REDIS_URL: o.redisUrl,
    ...localKmsSettings(config, directory, ports),
    SEALCAST_SECRETS_DIR: config.secretsDir ?? directory.secrets,
    SEALCAST_PRINCIPALS_FILE: config.principalsFile ?? directory.principals,
    SEALCAST_ENDPOINT_NETWORKS: endpointNetworksOf(o.env),
    SEALCAST_SUBSCRIBER_CA_FILE: config.subscriberCaFile ?? directory.ca,
    // A process that is being replaced still serves its metrics when the next one begins to.
    ...(SHARES_PORTS ? { SEALCAST_METRICS_REUSE_PORT: '1' } : {}),
  }
  return new Map([...ports.metrics].map(([name, port]) => [name, { ...settings, SEALCAST_METRICS_PORT: String(port) }]))
}

/** The gateway as clients and subscribers see it. */
export function publicUrl(config: UpConfig, ports: Pick<Ports, 'gateway'>): string {
  if (config.publicUrl !== undefined) return config.publicUrl
  const everywhere = ['127.0.0.1', '::1', '0.0.0.0', '::', 'localhost'].includes(config.gatewayHost)
  return `https://${everywhere ? 'localhost' : inUrl(config.gatewayHost)}:${ports.gateway}`
}

/** @returns undefined with AWS KMS */
export function kmsUrl(config: UpConfig, ports: Pick<Ports, 'kms'>): string | undefined {
  if (ports.kms === undefined) return undefined
  return `${config.kmsUsesTls ? 'https' : 'http'}://${inUrl(config.kmsHost)}:${ports.kms}`
}

function localKmsSettings(config: UpConfig, directory: DataDirectory, ports: Ports): Environment {
  const url = kmsUrl(config, ports)
  if (url === undefined) return {}
  return {
    SEALCAST_KMS_PORT: String(ports.kms),
    SEALCAST_KMS_ADMIN_PORT: String(ports.kmsAdmin),
    SEALCAST_KMS_ENDPOINT: url,
    SEALCAST_KMS_DIR: config.kmsDir ?? directory.kms,
  }
}

/** What is tried out on one machine, or in one network, is there. Empty counts as unset everywhere. */
export function endpointNetworksOf(env: Environment): string {
  return env.SEALCAST_ENDPOINT_NETWORKS || 'loopback,private'
}

/** Without what AWS clients read, and without the trust files of a sourced `env` of this very directory. */
function withoutClientSettings(env: Environment, directory: DataDirectory): Environment {
  const ours = new Set([directory.ca, directory.caBundle])
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) => !name.startsWith('AWS_') && !(value !== undefined && ours.has(value)),
    ),
  )
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
