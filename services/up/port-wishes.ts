/** Which ports the stack needs, from the settings. */

import type { PortWish } from './choose-ports.ts'
import type { UpConfig } from './config.ts'
import type { StackProcess } from './stack-processes.ts'

const LOOPBACK = '127.0.0.1'

export function portWishes(config: UpConfig, { redis }: { redis: boolean }) {
  const gatewayHost = { host: config.gatewayHost, hostVariable: 'SEALCAST_GATEWAY_HOST' }
  const gateway = { ...gatewayHost, port: config.gatewayPort, variable: 'SEALCAST_GATEWAY_PORT' }
  const ownKms =
    config.kms === 'aws'
      ? undefined
      : {
          kms: {
            host: config.kmsHost,
            hostVariable: 'SEALCAST_KMS_HOST',
            port: config.kmsPort,
            variable: 'SEALCAST_KMS_PORT',
          },
          kmsAdmin: { host: LOOPBACK, port: config.kmsAdminPort, variable: 'SEALCAST_KMS_ADMIN_PORT' },
        }
  const http =
    config.httpPort === undefined
      ? undefined
      : { ...gatewayHost, port: config.httpPort, variable: 'SEALCAST_HTTP_PORT' }
  const ownRedis = redis ? { host: LOOPBACK, port: config.redisPort, variable: 'SEALCAST_REDIS_PORT' } : undefined
  return { gateway, ...ownKms, ...(http ? { http } : {}), ...(ownRedis ? { redis: ownRedis } : {}) }
}

const METRICS = 'metrics of '

/** One for each process, in their order. */
export function metricsPortWishes(
  config: UpConfig,
  processes: readonly StackProcess[],
): Record<`${typeof METRICS}${string}`, PortWish> {
  return Object.fromEntries(
    processes.map(({ name }, at) => [
      `${METRICS}${name}`,
      {
        host: LOOPBACK,
        port: config.metricsPort === 0 ? 0 : config.metricsPort + at,
        variable: 'SEALCAST_METRICS_PORT',
      },
    ]),
  )
}

/** @param chosen what became of the wishes, among others */
export function metricsPorts(chosen: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  const own = Object.entries(chosen).filter(([name]) => name.startsWith(METRICS))
  return new Map(own.map(([name, port]) => [name.slice(METRICS.length), port]))
}
