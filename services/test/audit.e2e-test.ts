/** Each denied and each administrative call has exactly one audit line, and no line gives anything away. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { DisableKeyCommand, EncryptCommand, KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { ListTopicsCommand, PublishCommand, SetTopicAttributesCommand, type SNSClient } from '@aws-sdk/client-sns'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { createKey, createTopic, kmsClient, publish, snsClient } from './messaging.ts'
import { sendRaw } from './raw-request.ts'
import { readLog } from './read-log.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const MARK = 'a-text-that-no-line-may-hold'
const FOREIGN = 'arn:aws:iam::111122223333:user/mallory'

suite('audit lines', () => {
  test('name each denied and each administrative call once, in gateway and KMS, and give nothing away', async () => {
    await using stack = await startStack({ env: { SEALCAST_HTTP_PORT: '0' } })
    const { sns, kms, mallory, foreignKms } = await setup(stack)
    const sealed = await createTopic(sns, { KmsMasterKeyId: await createKey(kms) })
    await sns.send(
      new SetTopicAttributesCommand({ TopicArn: sealed, AttributeName: 'DisplayName', AttributeValue: MARK }),
    )
    await publish(sns, sealed, MARK)
    const keyArn = await createKey(kms)
    await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
    await kms.send(new ListKeysCommand({}))

    const denied = [
      // Known, and not allowed.
      await idOf(mallory.send(new PublishCommand({ TopicArn: sealed, Message: MARK, Subject: MARK }))),
      await idOf(foreignKms.send(new EncryptCommand({ KeyId: keyArn, Plaintext: Buffer.from(MARK) }))),
      // Not known.
      ...(await sendUnknown(stack)),
    ]
    await until('all lines are written', () => denied.every((id) => linesOf(stack, id).length > 0))
    for (const id of denied) {
      const lines = linesOf(stack, id)
      assert.deepEqual(
        lines.map(({ event }) => event),
        ['audit.denied'],
        JSON.stringify(lines),
      )
    }
    const audited = auditLines(stack)
    const events = audited.map(({ event, action, code }) => `${event} ${action} ${code}`)
    for (const [expected, count] of [
      ['audit.administered sns:CreateTopic ok', 1],
      ['audit.administered sns:SetTopicAttributes ok', 1],
      ['audit.administered kms:CreateKey ok', 2],
      ['audit.administered kms:DisableKey ok', 1],
      ['audit.denied sns:Publish AuthorizationError', 1],
      ['audit.denied kms:Encrypt AccessDeniedException', 1],
    ] as const) {
      assert.equal(events.filter((event) => event === expected).length, count, `${expected} of ${events.join(', ')}`)
    }
    assert.ok(!events.some((event) => /(GenerateDataKey|Decrypt|ListKeys|Publish) ok/.test(event)), events.join(', '))

    const refused = audited.find(({ action, event }) => action === 'sns:Publish' && event === 'audit.denied')
    assert.equal(refused?.principal, FOREIGN)
    assert.equal(refused?.resource, sealed)
    assert.equal(refused?.reason, 'no-resource-allow')
    assert.equal(refused?.sourceIp, '127.0.0.1')
    assert.match(String(refused?.accessKey), /^….{4}$/)

    const text = JSON.stringify(audited)
    for (const secret of [MARK, Buffer.from(MARK).toString('base64'), stack.clientConfig.credentials.secretAccessKey]) {
      assert.ok(!text.includes(secret), secret)
    }
    assert.doesNotMatch(text, /Signature=|AWS4-|"Statement"|AKIA/)
    for (const client of [sns, kms, mallory, foreignKms]) client.destroy()
  })

  test('leave out denials above the rate, and tell how many', async () => {
    await using stack = await startStack()
    const answers = await Promise.all(Array.from({ length: 300 }, () => sendTo(stack, 'Action=ListTopics', {})))
    assert.ok(answers.every(({ status }) => status === 403))
    assert.equal(await stack.stop(), 0)
    const lines = auditLines(stack)
    const leftOut = lines.filter(({ event }) => event === 'audit.left-out')
    const written = lines.filter(({ event }) => event === 'audit.denied').length
    assert.ok(written < 300 && written >= 200, `${written} written`)
    assert.equal(written + leftOut.reduce((sum, { denied }) => sum + Number(denied), 0), 300)
  })
})

/** What has no caller: unsigned, with keys nobody has, with a signature that is none. @returns ids of the answers */
async function sendUnknown(stack: Stack): Promise<string[]> {
  const { accessKeyId } = stack.clientConfig.credentials
  const header = (id: string, service: string) =>
    `AWS4-HMAC-SHA256 Credential=${id}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=${MARK}`
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const forms = [
    ['Action=ListTopics', {}],
    [`Action=${MARK}`, {}],
    [`Action=%zz${MARK}`, {}],
    [`Action=Publish&Message=${MARK}`, { authorization: header('AKIAINVENTED00000000', 'sns'), 'x-amz-date': date }],
    [`Action=Publish&Message=${MARK}`, { authorization: header(accessKeyId, 'sns'), 'x-amz-date': date }],
    [`Action=Publish&Message=${MARK}`, { authorization: `AWS4-HMAC-SHA256 ${MARK}` }],
  ] as const
  const answers = await Promise.all(forms.map(([body, headers]) => sendTo(stack, body, headers)))
  const kms = await Promise.all(
    [{}, { authorization: header(accessKeyId, 'kms'), 'x-amz-date': date }].map((headers) =>
      sendRaw({
        url: `${stack.env.AWS_ENDPOINT_URL_KMS}/`,
        headers: { 'x-amz-target': 'TrentService.Decrypt', 'content-type': 'application/x-amz-json-1.1', ...headers },
        body: JSON.stringify({ CiphertextBlob: MARK }),
      }),
    ),
  )
  for (const { status } of [...answers, ...kms]) assert.ok(status >= 400 && status < 500, String(status))
  return [...answers, ...kms].map(({ headers }) => String(headers['x-amzn-requestid']))
}

function sendTo(stack: Stack, body: string, headers: Readonly<Record<string, string>>) {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return sendRaw({ url: `${stack.clientConfig.endpoint}/`, ca: stack.ca, headers: { ...type, ...headers }, body })
}

async function idOf(refused: Promise<unknown>): Promise<string> {
  const error: unknown = await refused.then(
    () => assert.fail('it was accepted'),
    (reason: unknown) => reason,
  )
  const { $metadata: metadata } = Object(error)
  return String(Object(metadata).requestId)
}

type Line = Readonly<Record<string, unknown>>

function linesOf(stack: Stack, requestId: string): Line[] {
  return readLines(stack).filter((line) => line.requestId === requestId)
}

function auditLines(stack: Stack): Line[] {
  return readLines(stack).filter(({ event }) => String(event).startsWith('audit.'))
}

function readLines(stack: Stack): Line[] {
  return ['gateway', 'kms'].flatMap((name) =>
    readLog(stack, name)
      .filter((line) => line.startsWith('{'))
      .map((line): Line => JSON.parse(line)),
  )
}

async function setup(stack: Stack) {
  const credentials = await addPrincipal(join(stack.home, 'principals.json'), {
    arn: FOREIGN,
    policies: ADMINISTRATOR_ACCESS,
  })
  const sns = snsClient(stack)
  const kms = kmsClient(stack)
  const mallory = snsClient(stack, credentials)
  const { region } = stack.clientConfig
  const foreignKms = new KMSClient({ region, credentials, endpoint: stack.env.AWS_ENDPOINT_URL_KMS ?? '' })
  await untilKnown(mallory)
  return { sns, kms, mallory, foreignKms }
}

function untilKnown(client: SNSClient): Promise<true> {
  return until('the principal is known', () =>
    client.send(new ListTopicsCommand({})).then(
      () => true,
      () => false,
    ),
  )
}
