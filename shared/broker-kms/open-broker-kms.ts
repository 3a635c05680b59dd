/**
 * KMS as gateways and workers both ask it: each request measured and in the ledger, with breakers before what waits for it.
 *
 * Joins kms-client and kms-ledger, which know nothing of each other; what a service does with it is its own.
 */

import type { BrokerMetrics } from '#shared/broker-metrics'
import type { Clock } from '#shared/clock'
import { guardKms, type KmsClient, type KmsSettings, openKmsClient, UNSAFE_KMS_ADVICE } from '#shared/kms-client'
import { createKmsLedger, type KmsLedger } from '#shared/kms-ledger'
import type { Log } from '#shared/log'
import type { Redis } from '#shared/redis'

export interface BrokerKms extends AsyncDisposable {
  /** Spares a KMS that is down, and those who would wait for it: for data keys. */
  readonly guarded: ReturnType<typeof guardKms>
  /** Without breakers. */
  readonly client: KmsClient
  /** To be called before the connection to Redis is closed. */
  flushLedger(): Promise<void>
}

type Count = Pick<
  BrokerMetrics,
  'observeKms' | 'kmsRequestsUnrecorded' | 'kmsBreakersOpen' | 'kmsCallRefused' | 'kmsUnsafe'
>

/**
 * @param o the client's own options besides
 * @throws what `readCredential` throws
 */
export async function openBrokerKms(
  settings: KmsSettings,
  o: Omit<Parameters<typeof openKmsClient>[1], 'observe'> & {
    redis: Redis
    clock: Clock
    log: Log
    count: Count
    onForged: (what: { kind: 'kms-ledger'; topicArn: string }) => void
  },
): Promise<BrokerKms> {
  const { redis, clock, log, count, onForged, ...ofClient } = o
  count.kmsUnsafe(settings.acceptsUnsafe)
  if (settings.acceptsUnsafe) log.warn('kms.unsafe', { advice: UNSAFE_KMS_ADVICE })
  const ledger: KmsLedger = createKmsLedger({
    redis,
    clock,
    onLost(requests, error) {
      count.kmsRequestsUnrecorded(requests)
      log.warn('kms-ledger.incomplete', { requests }, error)
    },
    onForged,
  })
  const client = await openKmsClient(settings, {
    ...ofClient,
    observe(request) {
      count.observeKms(request)
      ledger.record(request)
    },
  })
  // Said at once, and no reason not to start: they may come, and what is not sealed needs none.
  client.findCredentials().catch((error: unknown) => log.error('kms.no-credentials', {}, error))
  const guarded = guardKms(client, {
    clock,
    observer: {
      onChange(breaker, error) {
        count.kmsBreakersOpen(breaker)
        log.warn(`kms.breaker-${breaker.state}`, { scope: breaker.scope, name: breaker.name }, error)
      },
      onRefused: ({ scope }) => count.kmsCallRefused(scope),
    },
  })
  return {
    client,
    guarded,
    flushLedger: ledger.flush,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
