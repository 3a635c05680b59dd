/**
 * `npm run demo`: an application's view of a running stack, with unmodified AWS SDK clients, a
 * subscriber that checks signatures with `sns-validator`, and redis-cli looking over Redis's shoulder.
 *
 * It checks what it shows and ends with status 1 when anything is not as promised.
 */

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { CreateKeyCommand, KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms'
import {
  CreateTopicCommand,
  DeleteTopicCommand,
  GetTopicAttributesCommand,
  PublishCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns'
import { systemClock } from '#shared/clock'
import { ConfigError } from '#shared/config'
import { BrokerError } from '#shared/errors'
import { issueServerCertificate } from '#shared/pki'
import { readServedRequests, servedBetween } from './kms-counter.ts'
import { reachableFrom } from './reachable-from.ts'
import { watchRedis } from './redis-monitor.ts'
import { endOf, sideBySide } from './show.ts'
import { readStackEnvironment } from './stack-environment.ts'
import { startSubscriber } from './subscriber.ts'

const MESSAGES = 10
const DEADLINE_MS = 20_000

const HELP = `Usage: npm run demo

Publishes ten messages to a sealed topic of the stack that \`npm run up\` started, and shows what the
subscriber got beside what Redis was given.

  SEALCAST_HOME          data directory of that stack (.sealcast)
  SEALCAST_DEMO_KMS_KEY  the KMS key to seal under; one is made unless told, but with SEALCAST_KMS=aws the
                         key is yours to make: id, ARN, alias name or alias ARN
`

const [argument] = process.argv.slice(2)
try {
  if (argument === undefined) {
    process.exitCode = (await runDemo()) ? 0 : 1
  } else if (argument === '--help' || argument === '-h') {
    say(HELP.trimEnd())
  } else {
    process.stderr.write(`Unknown argument ${argument}\n\n${HELP}`)
    process.exitCode = 2
  }
} catch (error) {
  // `env` outlives an `up` that was killed with SIGKILL.
  const isGone = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
  const reason = error instanceof Error ? error.message : String(error)
  const message = isGone ? `${reason}. Is the stack still running? Start it with: npm run up` : reason
  process.stderr.write(`${error instanceof BrokerError ? message : `The demo failed: ${message}`}\n`)
  process.exitCode = 1
}

async function runDemo(): Promise<boolean> {
  const { home, variables } = await readStackEnvironment(process.env)
  const authority = {
    certificatePem: await readFile(join(home, 'ca.pem'), 'utf8'),
    privateKeyPem: await readFile(join(home, 'tls', 'ca.key.pem'), 'utf8'),
  }
  // sns-validator fetches the signing certificate through the global https agent.
  setDefaultCACertificates([...getCACertificates('default'), authority.certificatePem])
  const client = {
    region: variables.AWS_REGION ?? '',
    credentials: {
      accessKeyId: variables.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: variables.AWS_SECRET_ACCESS_KEY ?? '',
    },
    maxAttempts: 3,
  }
  const gateway = variables.AWS_ENDPOINT_URL_SNS ?? ''
  const sns = new SNSClient({
    ...client,
    endpoint: gateway,
    requestHandler: { httpsAgent: new Agent({ keepAlive: true }) },
  })
  const metricsUrls = (variables.SEALCAST_METRICS_URLS ?? '').split(',')

  const key = process.env.SEALCAST_DEMO_KMS_KEY || (await createKey(client, variables.AWS_ENDPOINT_URL_KMS))
  say(`1. KMS key        ${key}`)
  const { TopicArn: topicArn = '' } = await sns.send(
    new CreateTopicCommand({
      Name: `demo-${randomBytes(4).toString('hex')}`,
      Attributes: { KmsMasterKeyId: key },
    }),
  )
  say(`2. sealed topic   ${topicArn}`)

  const reachable = await reachableFrom(variables.SEALCAST_DEMO_ENDPOINT_HOST)
  await using subscriber = await startSubscriber({
    ...reachable,
    certificate: issueServerCertificate({ authority, hosts: [reachable.host], now: systemClock.now() }),
    signingHost: new URL(gateway).host,
    deadlineMs: DEADLINE_MS,
  })
  await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'https', Endpoint: subscriber.url }))
  const [confirmation] = await subscriber.receive('SubscriptionConfirmation', 1)
  await fetch(confirmation?.SubscribeURL ?? '')
  const { Attributes: attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn: topicArn }))
  say(`3. subscriber     ${subscriber.url} (confirmed: ${attributes?.SubscriptionsConfirmed})`)

  const servedBefore = await readServedRequests(metricsUrls)
  await using monitor = await watchRedis(variables.SEALCAST_REDIS_URL ?? '', process.env)
  const published = new Map<string, string>()
  for (let n = 1; n <= MESSAGES; n++) {
    const body = `order ${n}: ${n * 3} crates of oranges, PIN ${randomBytes(2).toString('hex')}`
    const { MessageId: id = '' } = await sns.send(
      new PublishCommand({
        TopicArn: topicArn,
        Subject: `Order ${n}`,
        Message: body,
        MessageAttributes: { kind: { DataType: 'String', StringValue: 'order' } },
      }),
    )
    published.set(id, body)
  }
  const notifications = await subscriber.receive('Notification', MESSAGES)
  const calls = servedBetween(servedBefore, await readServedRequests(metricsUrls))
  const entries = monitor.entries()

  say(`4. published ${published.size}, delivered ${notifications.length}, every signature verified by sns-validator\n`)
  const delivered = new Map(notifications.map(({ MessageId = '', Message = '' }) => [MessageId, Message]))
  const rows = [...published.keys()].map(
    // The end of the body: its first 64 bytes are the envelope's header, alike for messages of one data key.
    (id) => [delivered.get(id) ?? '(nothing)', endOf(entries.get(id)?.fields.get('body') ?? '(nothing)', 66)] as const,
  )
  say(`${sideBySide(['what the subscriber got', 'end of the body Redis was given (by redis-cli MONITOR)'], rows)}\n`)

  const total = [...calls.values()].reduce((sum, count) => sum + count, 0)
  const list = [...calls].map(([operation, count]) => `${operation} ${count}`).join(', ')
  const leaked = [...published.values()].filter((body) => monitor.lines.some((line) => line.includes(body)))
  const wrong = notifications.filter(({ MessageId = '', Message }) => published.get(MessageId) !== Message)
  say(
    `KMS calls for ${published.size} messages, by ${variables.AWS_ENDPOINT_URL_KMS ? "the KMS's own counter" : 'the counters of gateway and worker'}: ${total} (${list})`,
  )
  say(`bodies seen in clear on their way into Redis: ${leaked.length} of ${published.size}`)
  await sns.send(new DeleteTopicCommand({ TopicArn: topicArn }))
  const good = total === 2 && leaked.length === 0 && wrong.length === 0 && entries.size === MESSAGES
  if (!good) say('NOT AS PROMISED: two KMS calls, no body in clear and equal bodies were expected')
  return good
}

/** @returns its ARN */
async function createKey(client: KMSClientConfig, endpoint: string | undefined): Promise<string> {
  // Keys cost money in AWS, and the stack's own clients are nobody there.
  if (!endpoint) {
    throw new ConfigError('Cannot run the demo: with AWS KMS set SEALCAST_DEMO_KMS_KEY to a key the broker may use')
  }
  const kms = new KMSClient({ ...client, endpoint })
  const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ Description: 'sealcast demo' }))
  kms.destroy()
  return key?.Arn ?? ''
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
