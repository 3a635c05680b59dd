/** Which ports the stack needs, from the settings. */

import type { PortWish } from './choose-ports.ts'
import type { UpConfig } from './config.ts'

const LOOPBACK = '127.0.0.1'

export function portWishes(config: UpConfig, { redis }: { redis: boolean }) {
  const metrics = (offset: number): PortWish => ({
    host: LOOPBACK,
    port: config.metricsPort === 0 ? 0 : config.metricsPort + offset,
    variable: 'SEALCAST_METRICS_PORT',
  })
  const gatewayHost = { host: config.gatewayHost, hostVariable: 'SEALCAST_GATEWAY_HOST' }
  const wishes = {
    gateway: { ...gatewayHost, port: config.gatewayPort, variable: 'SEALCAST_GATEWAY_PORT' },
    kms: {
      host: config.kmsHost,
      hostVariable: 'SEALCAST_KMS_HOST',
      port: config.kmsPort,
      variable: 'SEALCAST_KMS_PORT',
    },
    gatewayMetrics: metrics(0),
    deliveryMetrics: metrics(1),
    kmsMetrics: metrics(2),
  }
  const http =
    config.httpPort === undefined
      ? undefined
      : { ...gatewayHost, port: config.httpPort, variable: 'SEALCAST_HTTP_PORT' }
  const ownRedis = redis ? { host: LOOPBACK, port: config.redisPort, variable: 'SEALCAST_REDIS_PORT' } : undefined
  return { ...wishes, ...(http ? { http } : {}), ...(ownRedis ? { redis: ownRedis } : {}) }
}
