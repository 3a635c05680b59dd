/** What each thread of a gateway may have of what is allowed to the process. */

import { MAX_MESSAGES } from '#shared/data-keys'
import type { GatewayConfig } from './config.ts'
import { connectionLimit } from './connection-limit.ts'

export interface ThreadShare {
  /** Of one process: 1 where it has one thread. */
  readonly part: number
  /** Of the list of members. */
  readonly memberId: string
  readonly port: number
  readonly httpPort: number | undefined
  /** Open at once on each of the two ports. */
  readonly connections: number
  readonly requestsInFlight: number
  /** Of request bodies, being read or served. */
  readonly bodyBytes: number
  /** Sealed with one data key. */
  readonly messagesPerDataKey: number
}

/** Of a further thread, for Redis, KMS and files: 10 while idle, and connections to KMS. */
const DESCRIPTORS_OF_THREAD = 32

const BODY_BYTES = 256 * 1024 * 1024

/**
 * The kernel shares connections out by their addresses, not in turn: with few clients a thread may have reached its part
 * while another has room.
 *
 * @param o.descriptors the process's limit; Infinity when there is none
 */
export function shareOut(
  config: Pick<GatewayConfig, 'port' | 'httpPort' | 'maxConnections' | 'maxRequestsInFlight' | 'threads'>,
  o: { memberId: string; descriptors: number },
): ThreadShare {
  const { port, httpPort, threads } = config
  return {
    part: 1 / threads,
    memberId: o.memberId,
    port,
    httpPort,
    connections: connectionLimit({
      configured: config.maxConnections,
      descriptors: Math.max(1, o.descriptors - DESCRIPTORS_OF_THREAD * (threads - 1)),
      listeners: threads * (httpPort === undefined ? 1 : 2),
    }),
    requestsInFlight: Math.ceil(config.maxRequestsInFlight / threads),
    bodyBytes: Math.floor(BODY_BYTES / threads),
    messagesPerDataKey: Math.floor(MAX_MESSAGES / threads),
  }
}
