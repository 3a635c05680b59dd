/**
 * Lets publishers and workers live through days on a simulated clock, and counts what they ask of KMS.
 *
 * Real: the data-key code of gateways and workers, with its lock and records in a redis-server; the envelope; the KMS client
 * of the SDK; a KMS process over HTTP, whose own log is counted; the ledger. Simulated: the time of the data-key code and of
 * the ledger, and the way from gateway to worker, which is a function call. Redis, KMS and signatures live in real time:
 * a record's age is judged by its own times, its expiry in Redis only tidies up.
 */

import { createSecretKey } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { createFakeClock, type FakeClock } from '#shared/clock'
import { createDataKeyStore, createOpeningKeys, createSealingKeys } from '#shared/data-keys'
import { type EnvelopeContext, open, seal } from '#shared/envelope'
import { createKmsClient } from '#shared/kms-client'
import { createKmsLedger, monthOf, type PairUsage, readKmsLedger, usageOf } from '#shared/kms-ledger'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { partitionOf } from '#shared/stream-log'
import { startTestKms, type TestKms } from '#shared/test-kms'
import { startTestRedis } from '#shared/test-redis'
import { readServed, type ServedRequests } from './kms-log.ts'
import { inOrder, type Publisher } from './publishers.ts'

export interface Simulated {
  messages: number
  /** By the KMS's own log, which agrees with its counter. */
  served: ServedRequests
  /** What the ledger says, of all publishers. */
  ledger: readonly (PairUsage & { topicArn: string })[]
  wallSeconds: number
}

/**
 * Called as a day begins, counted from 1; the simulation waits for it, and ends when it throws.
 *
 * @param served what the KMS has counted so far, by operation and outcome
 */
export type OnDay = (day: number, served: () => Promise<Readonly<Record<string, number>>>) => unknown

const REUSE_MS = 300_000
const PARTITIONS = 16
const DAY_MS = 86_400_000

/**
 * @param o.startsAt epoch ms; the simulated days must lie in one month
 * @param o.gateways a publisher's messages go to each in turn
 * @param o.workers each opens what is in its partitions
 * @throws when a message does not open, a count of the ledger is lost, or KMS refuses anything
 */
export async function simulate(o: {
  publishers: readonly Publisher[]
  days: number
  startsAt: number
  gateways?: number
  workers?: number
  onDay?: OnDay
}): Promise<Simulated> {
  const startedAt = performance.now()
  await using redis = await openTestRedis()
  await using kms = await startTestKms()
  for (const principal of new Set(o.publishers.map((publisher) => publisher.principal))) await kms.addUser(principal)
  const clock = createFakeClock(o.startsAt)
  const keyArn = await createKey(kms)
  const gateways = Array.from({ length: o.gateways ?? 1 }, () => openGateway({ redis: redis.connection, kms, clock }))
  const workers = Array.from({ length: o.workers ?? 1 }, () => openWorker({ redis: redis.connection, kms, clock }))
  await using parts = new AsyncDisposableStack()
  for (const part of [...gateways, ...workers]) parts.use(part)

  const sent = new Map<Publisher, number>()
  const deliver = async (publisher: Publisher, n: number): Promise<void> => {
    const { topicArn, principal } = publisher
    const gateway = gateways[n % gateways.length]
    const worker = workers[partitionOf(topicArn, principal, PARTITIONS) % workers.length]
    const body = `message ${n} of ${principal}`
    const context: EnvelopeContext = {
      topicArn,
      messageId: String(n),
      principal,
      header: { attributes: [], acceptedAt: clock.now() },
    }
    const sealed = await gateway?.sealingKeys.use({ topicArn, principal, configuredKeyId: keyArn }, (issued) => ({
      envelope: seal(Buffer.from(body), { dataKey: issued.dataKey, context }),
      dataKeyId: issued.dataKey.id,
      encryptedDataKey: issued.encryptedDataKey,
      keyArn: issued.keyArn,
    }))
    if (sealed === undefined || worker === undefined) throw new Error('There is no gateway or no worker')
    const dataKey = await worker.openingKeys.obtain({ ...sealed, topicArn, principal })
    if (open(sealed.envelope, { dataKey, context }).toString() !== body) throw new Error('A body came out altered')
  }

  let messages = 0
  let day = 0
  for (const { at, due } of inOrder(o.publishers)) {
    if (at >= o.days * DAY_MS) break
    clock.advance(o.startsAt + at - clock.now())
    if (at >= day * DAY_MS) await o.onDay?.(++day, () => kms.served())
    await Promise.all(
      due.map((publisher) => {
        const n = sent.get(publisher) ?? 0
        sent.set(publisher, n + 1)
        return deliver(publisher, n)
      }),
    )
    messages += due.length
  }

  for (const { ledger } of [...gateways, ...workers]) await ledger.flush()
  const month = monthOf(o.startsAt)
  const usages = await Promise.all(
    [...new Set(o.publishers.map(({ topicArn }) => topicArn))].map(async (topicArn) =>
      (await readKmsLedger({ redis: redis.connection, topicArn, month })).map((pair) => ({
        topicArn,
        ...usageOf(pair, { reuseMs: REUSE_MS }),
      })),
    ),
  )
  return {
    messages,
    served: await readServed(kms),
    ledger: usages.flat(),
    wallSeconds: (performance.now() - startedAt) / 1000,
  }
}

function openGateway({ redis, kms, clock }: { redis: Redis; kms: TestKms; clock: FakeClock }) {
  const { client, ledger } = openKmsClient({ redis, kms, clock })
  const secrets = new Map([['0000000a', createSecretKey(Buffer.alloc(32, 1))]])
  const recordMac = createRecordMac(createSecretRing('0000000a', secrets))
  const sealingKeys = createSealingKeys({
    kms: client,
    store: createDataKeyStore({ redis, recordMac, onForged: failOf('a data-key record was forged') }),
    clock,
    reuseMs: REUSE_MS,
    onLookup: () => {},
    onStoreFailure: failOf('a data key was not stored'),
    // In real time: the gateway it waits for needs some, while the simulated clock stands still.
    pause: () => sleep(1),
  })
  return { sealingKeys, ledger, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() }
}

function openWorker({ redis, kms, clock }: { redis: Redis; kms: TestKms; clock: FakeClock }) {
  const { client, ledger } = openKmsClient({ redis, kms, clock })
  const openingKeys = createOpeningKeys({ kms: client, clock, onLookup: () => {} })
  return { openingKeys, ledger, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() }
}

/** As gateways and workers join client and ledger. */
function openKmsClient({ redis, kms, clock }: { redis: Redis; kms: TestKms; clock: FakeClock }) {
  const onLost = failOf('the ledger lost a count')
  const ledger = createKmsLedger({ redis, clock, onLost, onForged: failOf('the ledger was forged') })
  const client = createKmsClient({
    endpoint: kms.endpoint,
    credential: kms.broker,
    observe: (request) => ledger.record(request),
  })
  return { client, ledger }
}

async function createKey(kms: TestKms): Promise<string> {
  const admin = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user })
  const { KeyMetadata: key } = await admin.send(new CreateKeyCommand({}))
  admin.destroy()
  return key?.Arn ?? ''
}

async function openTestRedis() {
  const server = await startTestRedis()
  const connection = openRedis({ url: server.url, name: 'kms-months' })
  await whenReady(connection)
  return {
    connection,
    async [Symbol.asyncDispose]() {
      await closeRedis(connection)
      await server[Symbol.asyncDispose]()
    },
  }
}

function failOf(what: string): () => never {
  return () => {
    throw new Error(`Cannot go on: ${what}`)
  }
}
