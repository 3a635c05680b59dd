/** What most end-to-end tests do with a stack: clients, keys, sealed topics, confirmed subscribers. */

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  CreateTopicCommand,
  PublishCommand,
  type PublishCommandInput,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns'
import type { CertifiedKey } from '#shared/pki'
import { readTokenSecrets } from '#shared/secrets'
import { confirmationToken } from '#shared/sns-wire'
import type { Stack } from './start-stack.ts'
import { startTestSubscriber, type TestSubscriber } from './test-subscriber.ts'

/** Our development CA with its key: issues certificates for subscribers that the worker trusts. */
export function readAuthority(stack: Stack): CertifiedKey {
  return {
    certificatePem: stack.ca,
    privateKeyPem: readFileSync(join(stack.home, 'tls', 'ca.key.pem'), 'utf8'),
  }
}

/** Lets fetch and sns-validator, which take no options, trust the stack as well as everybody else. */
export function trustStack(stack: Stack): void {
  setDefaultCACertificates([...getCACertificates('default'), stack.ca])
}

export function snsClient(stack: Stack, credentials = stack.clientConfig.credentials): SNSClient {
  return new SNSClient({ ...stack.clientConfig, credentials })
}

export function kmsClient(stack: Stack, credentials = stack.clientConfig.credentials): KMSClient {
  const { region } = stack.clientConfig
  return new KMSClient({ region, credentials, endpoint: stack.env.AWS_ENDPOINT_URL_KMS ?? '' })
}

export async function createKey(kms: KMSClient): Promise<string> {
  const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
  return key?.Arn ?? ''
}

/** @returns the ARN of a new topic with a name of its own */
export async function createTopic(sns: SNSClient, attributes: Record<string, string> = {}): Promise<string> {
  const name = `t-${randomBytes(6).toString('hex')}`
  const { TopicArn: arn } = await sns.send(new CreateTopicCommand({ Name: name, Attributes: attributes }))
  return arn ?? ''
}

/** Subscribes an HTTPS endpoint, to one topic or to several, and confirms it by visiting the SubscribeURL, as people do. */
export async function subscribeAndConfirm(
  stack: Stack,
  o: { sns: SNSClient } & ({ topicArn: string } | { topicArns: readonly string[] }),
): Promise<TestSubscriber> {
  const topicArns = 'topicArn' in o ? [o.topicArn] : o.topicArns
  const subscriber = await startTestSubscriber({ authority: readAuthority(stack) })
  for (const topicArn of topicArns) {
    await o.sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'https', Endpoint: subscriber.url }))
  }
  for (const { json } of await subscriber.receive('SubscriptionConfirmation', topicArns.length)) {
    const visited = await fetch(json.SubscribeURL ?? '')
    if (visited.status !== 200) throw new Error(`The SubscribeURL answered ${visited.status}`)
  }
  return subscriber
}

/** @param header subject, attributes and the like */
export async function publish(
  sns: SNSClient,
  topicArn: string,
  message: string,
  header: Omit<PublishCommandInput, 'Message'> = {},
): Promise<string> {
  const { MessageId: id } = await sns.send(new PublishCommand({ ...header, TopicArn: topicArn, Message: message }))
  return id ?? ''
}

/** Requests served by the local KMS, by operation, from its own counter. */
export async function servedByKms(stack: Stack): Promise<Readonly<Record<string, number>>> {
  const served: Record<string, number> = {}
  for (const text of await readMetrics(stack)) {
    for (const [, labels = '', count] of text.matchAll(/^sealcast_kms_served_requests_total\{([^}]*)\} (\d+)$/gm)) {
      const operation = /operation="([^"]*)"/.exec(labels)?.[1] ?? ''
      served[operation] = (served[operation] ?? 0) + Number(count)
    }
  }
  return served
}

/** The text of each process's /metrics page. */
export function readMetrics(stack: Stack): Promise<string[]> {
  const urls = (stack.env.SEALCAST_METRICS_URLS ?? '').split(',')
  return Promise.all(urls.map(async (url) => (await fetch(url)).text()))
}

/** Runs redis-cli against the stack's Redis: what it prints does not pass through our code. */
export async function redisCli(stack: Stack, ...args: string[]): Promise<string> {
  const { port, password } = new URL(stack.env.SEALCAST_REDIS_URL ?? '')
  const { stdout } = await promisify(execFile)('redis-cli', ['-p', port, ...args], {
    env: { ...process.env, REDISCLI_AUTH: decodeURIComponent(password) },
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout.trimEnd()
}

/**
 * Waits until every message was settled: no stream entry, body record, backlog, held message, retry job or quarantined entry is left.
 *
 * @throws naming the keys that were left after `deadlineMs`
 */
export async function untilFinished(stack: Stack, deadlineMs = 15_000): Promise<void> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const left = await unfinishedWork(stack)
    if (left.length === 0) return
    if (performance.now() > deadline) throw new Error(`Left in Redis: ${left.join(', ')}`)
  }
}

/** Streams first: what moves out of one while the keys are listed would otherwise be seen neither there nor in its record. */
async function unfinishedWork(stack: Stack): Promise<string[]> {
  const left: string[] = []
  for (const key of await keysLike(stack, 'sealcast:{p:*}:stream')) {
    if ((await redisCli(stack, 'XLEN', key)) !== '0') left.push(key)
  }
  for (const key of await keysLike(stack, 'sealcast:{p:*')) {
    if (key.includes(':body:') || key.includes(':held') || key.includes(':backlog') || key.includes(':quarantine'))
      left.push(key)
    if (key.endsWith(':delayed') || key.endsWith(':wait') || key.endsWith(':active')) left.push(key)
  }
  return left
}

async function keysLike(stack: Stack, pattern: string): Promise<string[]> {
  return (await redisCli(stack, '--scan', '--pattern', pattern)).split('\n').filter((key) => key !== '')
}

/** The confirmation token that a worker would have sent at that time. */
export async function issueToken(
  stack: Stack,
  o: { topicArn: string; subscriptionArn: string; issuedAt?: number | undefined },
): Promise<string> {
  const { topicArn, subscriptionArn, issuedAt = Date.now() } = o
  return confirmationToken({
    ring: await readTokenSecrets(join(stack.home, 'secrets')),
    topicArn,
    incarnation: await redisCli(stack, 'HGET', `sealcast:{t:${topicArn}}:topic`, 'incarnation'),
    issuedAt,
    subscriptionId: subscriptionArn.split(':').at(-1) ?? '',
  })
}
