/**
 * For tests: the KMS within this process, on a clock that the test moves, spoken to through the AWS SDK.
 *
 * Only what is kept and becomes due follows that clock. Signatures go by the real one, as the SDK's do.
 */

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { KMSClient } from '@aws-sdk/client-kms'
import { createFakeClock, type FakeClock, systemClock } from '#shared/clock'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { compilePolicy, type NamedPolicy } from '#shared/policy'
import type { Role, Signer } from '#shared/principals'
import { createTestPrincipal } from '#shared/test-principals'
import { createAuthenticate } from '../authenticate.ts'
import { EVERYTHING } from '../everything.ts'
import { createHandleRequest } from '../handle-request.ts'
import { type KeyStore, openKeyStore } from '../key-store.ts'
import { createKmsMetrics } from '../metrics.ts'
import { ON_BEHALF_OF_HEADER } from '../on-behalf-of.ts'
import { startServer } from '../server.ts'

export interface TimedKms {
  readonly clock: FakeClock
  readonly dir: string
  readonly keyStore: KeyStore
  /** A client of a user of that account. */
  as(account: string, o?: { region?: string }): KMSClient
  /** A client of one who has these identity policies. */
  asUser(arn: string, policies: readonly NamedPolicy[]): KMSClient
  /** A client of the broker, which asks for that principal. */
  asBrokerFor(
    arn: string,
    o?: { region?: string; purpose?: string; headers?: Readonly<Record<string, string>> },
  ): KMSClient
  /** Closes it and opens it again, as much later. */
  restart(o: { afterMs: number }): Promise<void>
}

const BROKER = { accessKeyId: 'SCBRTEST000000000000', secretAccessKey: randomUUID() }

export async function startTimedKms(t: TestContext, o: { dir?: string } = {}): Promise<TimedKms> {
  const dir = o.dir ?? (await mkdtemp(join(tmpdir(), 'sealcast-timed-kms-')))
  if (o.dir === undefined) t.after(() => rm(dir, { recursive: true }))
  const clock = createFakeClock()
  const users = new Map<string, Signer>()
  const open = async () => {
    await using opening = new AsyncDisposableStack()
    const keyStore = opening.use(await openKeyStore({ dir, clock, onEvent: () => undefined }))
    await keyStore.settleDue()
    const findSigner = (id: string) => users.get(id)
    const principals = {
      findPrincipal: (arn: string) => createTestPrincipal({ arn, policies: EVERYTHING }),
      findRoleByName: ({ account, name }: { account: string; name: string }) => roleOf(account, name),
    }
    const authenticate = createAuthenticate({ findSigner, broker: BROKER, account: '000000000000', clock: systemClock })
    const metrics = createKmsMetrics(createMetrics({ service: 'kms' }))
    const handleRequest = createHandleRequest({
      keyStore,
      authenticate,
      principals,
      clock: systemClock,
      metrics,
      log: SILENT,
      audit: { record: () => {} },
    })
    const server = opening.use(await startServer({ host: '127.0.0.1', port: 0, tls: undefined, handleRequest }))
    return { keyStore, port: server.port, held: opening.move() }
  }
  let running = await open()
  const clients: KMSClient[] = []
  t.after(async () => {
    for (const client of clients) client.destroy()
    await running.held.disposeAsync()
  })
  const connect = (credentials: { accessKeyId: string; secretAccessKey: string }, region = 'us-east-1') => {
    const endpoint = async () => ({ protocol: 'http:', hostname: '127.0.0.1', port: running.port, path: '/' })
    const client = new KMSClient({ endpoint, region, credentials, maxAttempts: 1 })
    clients.push(client)
    return client
  }
  return {
    clock,
    dir,
    get keyStore() {
      return running.keyStore
    },
    as(account, { region } = {}) {
      const accessKeyId = `AKIA${account}0000`
      const arn = `arn:aws:iam::${account}:user/test`
      const secretAccessKey = users.get(accessKeyId)?.secretAccessKey ?? randomUUID()
      users.set(accessKeyId, { principal: createTestPrincipal({ arn, policies: EVERYTHING }), secretAccessKey })
      return connect({ accessKeyId, secretAccessKey }, region)
    },
    asUser(arn, policies) {
      const accessKeyId = `AKIA${String(users.size).padStart(16, 'X')}`
      const secretAccessKey = randomUUID()
      users.set(accessKeyId, { principal: createTestPrincipal({ arn, policies }), secretAccessKey })
      return connect({ accessKeyId, secretAccessKey })
    },
    asBrokerFor(arn, { region, purpose, headers: more = {} } = {}) {
      const client = connect(BROKER, region)
      client.middlewareStack.add(
        (next) => (args) => {
          const { headers } = args.request as { headers: Record<string, string> }
          Object.assign(headers, more, { [ON_BEHALF_OF_HEADER]: arn })
          if (purpose !== undefined) headers['x-sealcast-purpose'] = purpose
          return next(args)
        },
        { step: 'build' },
      )
      return client
    },
    async restart({ afterMs }) {
      await running.held.disposeAsync()
      clock.advance(afterMs)
      running = await open()
    },
  }
}

/** Whatever is asked for exists. */
function roleOf(account: string, name: string): Role {
  const trust = { Version: '2012-10-17', Statement: { Effect: 'Deny', Principal: '*', Action: 'sts:AssumeRole' } }
  return {
    arn: `arn:aws:iam::${account}:role/${name}`,
    account,
    roleId: `AROA${'A'.repeat(17)}`,
    trustPolicy: compilePolicy(JSON.stringify(trust), { kind: 'trust' }),
    policies: EVERYTHING,
    maxSessionSeconds: 3_600,
    tags: new Map(),
    version: '1',
  }
}

const SILENT: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  alarm: () => undefined,
  flush: () => undefined,
}
