/** What tests of the commands about KMS keys stand on: a real Redis with messages at rest, and the real local KMS. */

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { type Catalog, createCatalog } from '#shared/catalog'
import { systemClock } from '#shared/clock'
import { createDataKeyStore, createRewrapStore, type RewrapStore } from '#shared/data-keys'
import { createKmsClient, type KmsClient } from '#shared/kms-client'
import { createRecordMac, type RecordMac } from '#shared/record-mac'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { readRecordSecrets } from '#shared/secrets'
import {
  acquireLease,
  createStreamAppender,
  type Entry,
  openMeta,
  type PartitionLease,
  partitionOf,
} from '#shared/stream-log'
import { startTestKms, type TestKms } from '#shared/test-kms'
import { startTestRedis, type TestRedis } from '#shared/test-redis'
import { runCommand } from '../run-command.ts'

export interface IssuedForTest {
  plaintext: Buffer
  sealed: { encryptedDataKey: Buffer; keyArn: string }
  topicArn: string
}

export interface KeysStage extends AsyncDisposable {
  readonly server: TestRedis
  readonly redis: Redis
  readonly kms: TestKms
  readonly kmsClient: KmsClient
  readonly admin: KMSClient
  readonly recordMac: RecordMac
  readonly catalog: Catalog
  readonly rewraps: RewrapStore
  /** What did not verify. */
  readonly forged: unknown[]
  createKey(): Promise<string>
  createAlias(name: string, keyArn: string): Promise<void>
  createTopic(keyId?: string): Promise<string>
  /** A data key as a gateway obtains it. */
  issue(keyArn: string, topicArn?: string): Promise<IssuedForTest>
  /** Leaves it for other gateways. */
  share(issued: IssuedForTest, lifeMs: number): Promise<void>
  /** Stores messages of a data key. */
  append(issued: IssuedForTest | undefined, count?: number): Promise<Entry[]>
  /** Of the partition where a topic's messages lie. */
  lease(topicArn?: string): Promise<PartitionLease>
  /** Runs `sealcast`. */
  run(...words: string[]): Promise<{ code: number; output: string; errors: string }>
  /** Requests of an operation that KMS has served. */
  served(operation: string): Promise<number>
}

export const TOPIC_ARN = 'arn:aws:sns:us-east-1:000000000000:orders'
const PRINCIPAL = 'arn:aws:iam::000000000000:user/gone'
const PARTITIONS = 4

export async function startKeysStage(): Promise<KeysStage> {
  const [server, kms] = await Promise.all([startTestRedis(), startTestKms()])
  await kms.addUser(PRINCIPAL)
  const redis = openRedis({ url: server.url, name: 'test' })
  await whenReady(redis)
  const secretsDir = join(kms.dir, 'secrets')
  const recordMac = createRecordMac(await readRecordSecrets(secretsDir))
  await openMeta({ redis, recordMac, partitions: PARTITIONS })
  const forged: unknown[] = []
  const onForged = (what: unknown) => void forged.push(what)
  const admin = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user })
  const kmsClient = createKmsClient({ endpoint: kms.endpoint, credential: kms.broker, observe: () => {} })
  const catalog = createCatalog({ redis, recordMac, onForged })
  const appender = createStreamAppender({ redis, recordMac, partitions: PARTITIONS })
  const leases: PartitionLease[] = []
  const run = async (...words: string[]) => {
    const written = { output: '', errors: '' }
    const env = {
      SEALCAST_REDIS_URL: server.url,
      SEALCAST_SECRETS_DIR: secretsDir,
      SEALCAST_KMS_ENDPOINT: kms.endpoint,
    }
    const code = await runCommand(words, {
      env,
      readStandardInput: async () => '',
      writeOutput: (text) => {
        written.output += text
      },
      writeError: (text) => {
        written.errors += text
      },
    })
    return { code, ...written }
  }
  return {
    server,
    redis,
    kms,
    kmsClient,
    admin,
    recordMac,
    catalog,
    rewraps: createRewrapStore({ redis, recordMac, onForged }),
    forged,
    async createKey() {
      const { KeyMetadata: key } = await admin.send(new CreateKeyCommand({}))
      return key?.Arn ?? ''
    },
    async createAlias(name, keyArn) {
      await admin.send(new CreateAliasCommand({ AliasName: name, TargetKeyId: keyArn.split('/')[1] }))
    },
    async createTopic(keyId) {
      const arn = `arn:aws:sns:us-east-1:000000000000:t-${randomBytes(6).toString('hex')}`
      const attributes = keyId === undefined ? {} : { kmsMasterKeyId: keyId }
      const incarnation = randomBytes(16).toString('hex')
      await catalog.createTopic({ arn, incarnation, owner: '000000000000', createdAt: 1, attributes })
      return arn
    },
    async issue(keyArn, topicArn = TOPIC_ARN) {
      const call = { keyId: keyArn, topicArn, principal: PRINCIPAL, purpose: 'issue' as const }
      const { plaintext, encryptedDataKey, keyArn: arn } = await kmsClient.generateDataKey(call)
      return { plaintext, sealed: { encryptedDataKey, keyArn: arn }, topicArn }
    },
    async share({ sealed, topicArn }, lifeMs) {
      const store = createDataKeyStore({ redis, recordMac, onForged })
      const pair = { topicArn, principal: PRINCIPAL, configuredKeyId: sealed.keyArn }
      const token = (await store.lock(pair, 1_000)) ?? ''
      const now = systemClock.now()
      const record = { ...sealed, dataKeyId: randomBytes(16), issuedAt: now, notAfter: now + lifeMs }
      assert.ok(await store.write(pair, { record, token, leaseMs: 1_000, lifeMs }))
    },
    async append(issued, count = 1) {
      const entries = Array.from({ length: count }, () => anEntry(issued))
      await appender.appendBatch(entries)
      return entries
    },
    async lease(topicArn = TOPIC_ARN) {
      const lease = await acquireLease({
        redis,
        blockingRedis: () => openRedis({ url: server.url, name: 'test-wait', blocking: true }),
        partition: partitionOf(topicArn, PRINCIPAL, PARTITIONS),
        leaseMs: 60_000,
        onForeign: () => {},
      })
      assert.ok(lease)
      leases.push(lease)
      return lease
    },
    run,
    async served(operation) {
      const served = Object.entries(await kms.served())
      return served.filter(([name]) => name.startsWith(`${operation} `)).reduce((sum, [, count]) => sum + count, 0)
    },
    async [Symbol.asyncDispose]() {
      for (const lease of leases) await lease.release()
      admin.destroy()
      await kmsClient[Symbol.asyncDispose]()
      await closeRedis(redis)
      await Promise.all([server[Symbol.asyncDispose](), kms[Symbol.asyncDispose]()])
    },
  }
}

function anEntry(issued: IssuedForTest | undefined): Entry {
  return {
    kind: 'message',
    topicArn: issued?.topicArn ?? TOPIC_ARN,
    incarnation: '00112233445566778899aabbccddeeff',
    messageId: randomUUID(),
    principal: PRINCIPAL,
    acceptedAt: systemClock.now(),
    attributes: [],
    body: Buffer.from('an envelope, as far as this command looks'),
    ...(issued === undefined ? {} : { sealed: issued.sealed }),
  }
}
