/**
 * Somebody who can read and write the stack's Redis and holds no secret of the broker: copies what rests
 * there, writes what he likes, and can tell what became of it.
 */

import { GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import type { SNSClient } from '@aws-sdk/client-sns'
import { hashParts } from '#shared/framing'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { keys, partitionOf } from '#shared/stream-log'
import { publish, readMetrics } from './messaging.ts'
import { readLog } from './read-log.ts'
import type { Stack } from './start-stack.ts'
import type { TestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

/** Fields of a stream entry, by name. */
export type Fields = ReadonlyMap<string, Buffer>

export interface RedisAttacker extends AsyncDisposable {
  readonly redis: Redis
  /** Where a publisher's messages of a topic lie; the administrator's unless told. */
  partitionOf(topicArn: string, publisher?: string): number
  /** Publishes a message and copies its entry while its subscriber keeps the answer back. */
  copyMessage(o: {
    sns: SNSClient
    topicArn: string
    subscriber: TestSubscriber
    message: string
    header?: Parameters<typeof publish>[3]
  }): Promise<Fields>
  /** Adds entries to the partition's stream, or to another, in one go. @returns their ids */
  addEntries(
    partition: number,
    entries: readonly (Fields | readonly (string | Buffer)[])[],
    stream?: string,
  ): Promise<string[]>
  /** Waits until all of them are in quarantine. @returns the reasons, in order */
  quarantineReasons(partition: number, ids: readonly string[]): Promise<string[]>
  /** Key of the data-key record of the administrator, a topic and its configured key. */
  dataKeyRecord(topicArn: string, configuredKeyId: string): string
  /** Waits until no entry is left in any stream. */
  untilSettled(): Promise<void>
  /** How many alarms of a service have all these fields. */
  alarms(service: 'gateway' | 'delivery', fields: Readonly<Record<string, unknown>>): number
  /** What the alarms of an event say in one of their fields; of the worker. */
  alarmed(event: string, field: string): ReadonlySet<unknown>
  /** Waits for that many of them. */
  untilAlarmed(
    service: 'gateway' | 'delivery',
    fields: Readonly<Record<string, unknown>>,
    count?: number,
  ): Promise<void>
  /** Sum of a counter over all processes and the series that hold `label`. */
  counted(name: string, label?: string): Promise<number>
}

const PARTITIONS = 16
const PRINCIPAL = 'arn:aws:iam::000000000000:user/admin'

export async function startRedisAttacker(stack: Stack): Promise<RedisAttacker> {
  const redis = openRedis({ url: stack.env.SEALCAST_REDIS_URL ?? '', name: 'attacker' })
  await whenReady(redis)
  const streams = Array.from({ length: PARTITIONS }, (_, partition) => keys.streamKey(partition))
  const readAlarms = (service: 'gateway' | 'delivery') =>
    readLog(stack, service)
      .filter((line) => line.includes('"alarm":true'))
      .map((line): Record<string, unknown> => JSON.parse(line))
  const attacker: RedisAttacker = {
    redis,
    partitionOf: (topicArn, publisher = PRINCIPAL) => partitionOf(topicArn, publisher, PARTITIONS),
    async copyMessage({ sns, topicArn, subscriber, message, header }) {
      const { answer } = subscriber
      const copied = Promise.withResolvers<void>()
      subscriber.answer = (request, response) => void copied.promise.then(() => answer(request, response))
      try {
        const messageId = await publish(sns, topicArn, message, header)
        return await until(`the entry of ${message}`, async () => {
          // One that is no stream at the moment holds nothing.
          const read = (stream: string) => redis.xrangeBuffer(stream, '-', '+').catch(() => [])
          const entries = await Promise.all(streams.map(read))
          return entries
            .flat()
            .map(([, parts]) => fieldsOf(parts))
            .find((fields) => String(fields.get('id')) === messageId)
        })
      } finally {
        subscriber.answer = answer
        copied.resolve()
      }
    },
    async addEntries(partition, entries, stream = keys.streamKey(partition)) {
      const pipeline = redis.pipeline()
      for (const entry of entries) {
        const parts = entry instanceof Map ? [...entry].flat() : [...(entry as readonly (string | Buffer)[])]
        pipeline.xadd(stream, '*', ...parts)
      }
      const replies = (await pipeline.exec()) ?? []
      return replies.map(([, id]) => String(id))
    },
    async quarantineReasons(partition, ids) {
      return until(`${ids.length} entries in quarantine of partition ${partition}`, async () => {
        const kept = await redis.xrange(keys.quarantineKey(partition), '-', '+')
        const reasons = new Map(kept.map(([, [, id, , reason]]) => [id, reason]))
        const found = ids.map((id) => reasons.get(id))
        return found.every((reason) => reason !== undefined) && found
      })
    },
    dataKeyRecord(topicArn, configuredKeyId) {
      const name = hashParts([PRINCIPAL, configuredKeyId, 'aws:sns:topicArn', topicArn]).toString('hex')
      return `sealcast:{t:${topicArn}}:datakey:${name}`
    },
    untilSettled: () =>
      until('every stream is empty', async () => {
        const counts = await Promise.all(streams.map((stream) => redis.xlen(stream)))
        return counts.every((count) => count === 0)
      }).then(() => undefined),
    alarms: (service, fields) =>
      readAlarms(service).filter((line) => Object.entries(fields).every(([name, value]) => line[name] === value))
        .length,
    alarmed: (event, field) =>
      new Set(
        readAlarms('delivery')
          .filter((line) => line.event === event)
          .map((line) => line[field]),
      ),
    untilAlarmed: (service, fields, count = 1) =>
      until(`${count} alarms ${JSON.stringify(fields)}`, () => attacker.alarms(service, fields) >= count).then(
        () => {},
      ),
    async counted(name, label = '') {
      let sum = 0
      for (const text of await readMetrics(stack)) {
        for (const [, labels = '', value] of text.matchAll(new RegExp(`^${name}(\\{[^}]*\\})? (\\d+)$`, 'gm'))) {
          if (labels.includes(label)) sum += Number(value)
        }
      }
      return sum
    },
    [Symbol.asyncDispose]: () => closeRedis(redis),
  }
  return attacker
}

/** A data key of the topic's KMS key and context, as anybody can have one whom the key's policy lets. */
export async function knownDataKey(
  kms: KMSClient,
  { keyArn, topicArn }: { keyArn: string; topicArn: string },
): Promise<{ edk: Buffer; plaintext: Buffer }> {
  const EncryptionContext = { 'aws:sns:topicArn': topicArn }
  const command = new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext })
  const { CiphertextBlob, Plaintext } = await kms.send(command)
  return { edk: Buffer.from(CiphertextBlob ?? []), plaintext: Buffer.from(Plaintext ?? []) }
}

/** Texts of the notifications it got, in order of arrival. */
export function messagesOf({ received }: TestSubscriber): string[] {
  return received.filter(({ json }) => json.Type === 'Notification').map(({ json }) => json.Message ?? '')
}

export function topicKey(topicArn: string): string {
  return `sealcast:{t:${topicArn}}:topic`
}

export function subscriptionsKey(topicArn: string): string {
  return `sealcast:{t:${topicArn}}:subscriptions`
}

/** Fields of an entry from a reply of Redis. */
export function fieldsOf(parts: readonly Buffer[]): Fields {
  const fields = new Map<string, Buffer>()
  for (let at = 0; at + 1 < parts.length; at += 2) fields.set(String(parts[at]), parts[at + 1] ?? Buffer.alloc(0))
  return fields
}
