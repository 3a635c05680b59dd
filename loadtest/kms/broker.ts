/**
 * The stack of a run: gateways and workers as asked for, users who may publish, sealed topics with a subscriber each,
 * and the pages where all processes tell what they counted.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateKeyCommand, KMSClient, ListAliasesCommand } from '@aws-sdk/client-kms'
import { ConfirmSubscriptionCommand, CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { issueServerCertificate } from '#shared/pki'
import { addPrincipal } from '#shared/principals'
import { readAuthority } from '../../services/test/messaging.ts'
import { runSealcast } from '../../services/test/sealcast-command.ts'
import { type Stack, startStack } from '../../services/test/start-stack.ts'
import { type Helper, startHelper } from '../harness/helper.ts'
import type { Signer } from '../harness/prepare-requests.ts'
import type { KmsSubscriber } from '../processes/kms-subscriber.ts'
import type { LedgerPair } from './counts.ts'
import { knows, sumOf } from './metrics-page.ts'
import type { KmsValues } from './settings.ts'

/** A user of the stack who publishes to one topic. */
export interface Publisher {
  readonly topic: number
  readonly topicArn: string
  readonly principal: string
  readonly signer: Signer
}

/** Texts of /metrics. */
export interface Pages {
  readonly gateways: readonly string[]
  readonly workers: readonly string[]
  /** Of the KMS: the stack's own, or a stand-in for AWS KMS. */
  readonly kms: string | undefined
}

export interface KmsBroker extends AsyncDisposable {
  readonly stack: Stack
  /** One for each publisher of each topic, in order. */
  readonly publishers: readonly Publisher[]
  readonly subscriber: Helper<KmsSubscriber>
  pages(): Promise<Pages>
  /** As `sealcast kms calls --json` has it, of the months given. */
  ledger(months: readonly string[]): Promise<LedgerPair[]>
  /** Undefined with AWS KMS. */
  kmsLog(): Promise<string | undefined>
}

const READY_WITHIN_MS = 60_000
const POLL_MS = 100
/** What a publisher needs and no more: SNS's key policy for publishers asks for both calls. */
const PUBLISHING = {
  publishing: {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow' as const, Action: 'sns:Publish', Resource: '*' },
      { Effect: 'Allow' as const, Action: ['kms:GenerateDataKey*', 'kms:Decrypt'], Resource: '*' },
    ],
  },
}

/** @param awsEnvironment AWS_* variables as they were set, for `--kms aws` */
export async function startKmsBroker(
  values: KmsValues,
  o: { awsEnvironment: Readonly<Record<string, string>>; say: (line: string) => void },
): Promise<KmsBroker> {
  await using cleanup = new AsyncDisposableStack()
  o.say(
    `starting ${values.gateways} gateways, ${values.workers} workers, Redis${values.kms === 'local' ? ', KMS' : ''}`,
  )
  const stack = cleanup.use(await startStack({ env: environmentOf(values, o.awsEnvironment), ownGroup: true }))
  const { region } = stack.clientConfig
  const sns = new SNSClient(stack.clientConfig)
  cleanup.defer(() => sns.destroy())

  const keyId = values.key === '' ? await createKey(stack) : values.key
  const topicArns: string[] = []
  for (const topic of values.publishers.keys()) {
    const attributes = { KmsMasterKeyId: keyId }
    const created = await sns.send(new CreateTopicCommand({ Name: `kms-${topic + 1}`, Attributes: attributes }))
    topicArns.push(created.TopicArn ?? '')
  }

  const publishers: Publisher[] = []
  const { host } = new URL(stack.clientConfig.endpoint)
  for (const [topic, count] of values.publishers.entries()) {
    for (let n = 1; n <= count; n++) {
      const arn = `arn:aws:iam::000000000000:user/publisher-${topic + 1}-${n}`
      const user = await addPrincipal(join(stack.home, 'principals.json'), { arn, policies: PUBLISHING })
      const signer = { host, region, accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey }
      publishers.push({ topic, topicArn: topicArns[topic] ?? '', principal: arn, signer })
    }
  }
  const last = publishers.at(-1)
  if (last !== undefined && values.kms === 'local') await untilKmsKnows(stack, last.signer)

  const subscriber = cleanup.use(await startHelper<KmsSubscriber>('kms-subscriber'))
  await subscribe({ stack, sns, subscriber, topicArns })
  await subscriber.call('expect', {
    topicArns: publishers.map(({ topicArn }) => topicArn),
    messageBytes: values.messageBytes,
  })

  const pages = () => readPages(stack, values.kmsMetrics)
  await untilBalanced(pages, values)
  const held = cleanup.move()
  return {
    stack,
    publishers,
    subscriber,
    pages,
    ledger: (months) => readLedger(stack, months),
    async kmsLog() {
      if (values.kms === 'aws') return undefined
      return await readFile(join(stack.home, 'logs', 'kms.log'), 'utf8')
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function environmentOf(values: KmsValues, awsEnvironment: Readonly<Record<string, string>>): Record<string, string> {
  return {
    SEALCAST_GATEWAYS: String(values.gateways),
    SEALCAST_WORKERS: String(values.workers),
    SEALCAST_DATA_KEY_REUSE_SECONDS: String(values.reuseSeconds),
    SEALCAST_LEASE_MS: String(values.leaseMs),
    SEALCAST_REGION: values.region,
    SEALCAST_KMS: values.kms,
    ...(values.kms === 'aws' ? awsEnvironment : {}),
  }
}

async function createKey(stack: Stack): Promise<string> {
  const kms = kmsClient(stack, stack.clientConfig.credentials)
  const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
  kms.destroy()
  return key?.Arn ?? ''
}

function kmsClient(stack: Stack, credentials: Pick<Signer, 'accessKeyId' | 'secretAccessKey'>): KMSClient {
  const { region } = stack.clientConfig
  return new KMSClient({ region, credentials, endpoint: stack.env.AWS_ENDPOINT_URL_KMS ?? '', maxAttempts: 1 })
}

/** It reads the principals within a second; a user whom it does not know could not be spoken for. */
async function untilKmsKnows(stack: Stack, signer: Signer): Promise<void> {
  const kms = kmsClient(stack, signer)
  await until('the KMS knows the publishers', async () => {
    try {
      await kms.send(new ListAliasesCommand({}))
      return true
    } catch (error) {
      // Known, and not allowed to: as it should be.
      return error instanceof Error && error.name === 'AccessDeniedException'
    }
  })
  kms.destroy()
}

async function subscribe(o: {
  stack: Stack
  sns: SNSClient
  subscriber: Helper<KmsSubscriber>
  topicArns: readonly string[]
}): Promise<void> {
  const authority = readAuthority(o.stack)
  const hosts = ['localhost', '127.0.0.1']
  const port = await o.subscriber.call('listen', issueServerCertificate({ authority, hosts, now: Date.now() }))
  for (const topicArn of o.topicArns) {
    const Endpoint = `https://localhost:${port}/notifications`
    await o.sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'https', Endpoint }))
    const token = await o.subscriber.call('takeToken', { topicArn })
    await o.sns.send(new ConfirmSubscriptionCommand({ TopicArn: topicArn, Token: token }))
  }
}

async function readPages(stack: Stack, kmsMetrics: string): Promise<Pages> {
  const urls = (stack.env.SEALCAST_METRICS_URLS ?? '').split(',')
  const texts = await Promise.all(
    [...urls, ...(kmsMetrics === '' ? [] : [kmsMetrics])].map(async (url) => (await fetch(url)).text()),
  )
  return {
    gateways: texts.filter((text) => knows(text, 'sealcast_api_requests_total')),
    workers: texts.filter((text) => knows(text, 'sealcast_partitions_owned')),
    kms: texts.find((text) => knows(text, 'sealcast_kms_served_requests_total')),
  }
}

/** Workers share the partitions out within seconds; a lease that moves later costs a Decrypt for each key in use. */
async function untilBalanced(pages: () => Promise<Pages>, { workers, gateways }: KmsValues): Promise<void> {
  let before = ''
  let calm = 0
  await until('the workers have shared out the partitions', async () => {
    const now = await pages()
    if (now.gateways.length !== gateways || now.workers.length !== workers) return false
    const owned = now.workers.map((page) => sumOf(page, 'sealcast_partitions_owned'))
    const alive = now.workers.every((page) => sumOf(page, 'sealcast_workers_alive') === workers)
    const state = owned.join()
    calm = alive && owned.every((count) => count > 0) && state === before ? calm + 1 : 0
    before = state
    return calm >= 5
  })
}

async function readLedger(stack: Stack, months: readonly string[]): Promise<LedgerPair[]> {
  const pairs: LedgerPair[] = []
  for (const month of months) {
    const { code, output, errors } = await runSealcast(stack, 'kms', 'calls', '--month', month, '--json')
    if (code !== 0) throw new Error(`sealcast kms calls failed: ${errors}`)
    pairs.push(...JSON.parse(output).pairs)
  }
  return pairs
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}`)
    await sleep(POLL_MS)
  }
}
