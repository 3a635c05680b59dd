/**
 * How many connections may be open: what is configured, or what the process's file descriptors allow.
 *
 * A connection beyond it is closed as soon as it is accepted, before any TLS, and counted. Running out of
 * descriptors instead would refuse the gateway its own: Redis, KMS, certificates, the metrics page. Node
 * raises the soft limit to the hard one by itself when it starts.
 */

/** For Redis, KMS, metrics, files and what the runtime itself holds. */
const RESERVED_DESCRIPTORS = 128

/**
 * @param o.configured SEALCAST_MAX_CONNECTIONS
 * @param o.descriptors the process's limit; Infinity when there is none
 * @param o.listeners among which the connections are divided
 * @returns for each listener
 */
export function connectionLimit(o: { configured: number; descriptors: number; listeners: number }): number {
  // A tiny limit still leaves half to connections.
  const usable = Math.max(o.descriptors - RESERVED_DESCRIPTORS, Math.floor(o.descriptors / 2))
  return Math.max(1, Math.floor(Math.min(o.configured, usable) / o.listeners))
}

/** The limit in force for this process. */
export function descriptorLimit(): number {
  // Looking up the names of its interfaces and peers is what makes a report slow.
  Object.assign(process.report, { excludeNetwork: true })
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}
