/** Who is not who they say, or comes by a way that the topic does not allow: refused, nothing stored. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { type Expected, formOf, type HostileClient, MARK, startHostileClient } from './hostile-client.ts'
import { signedForm } from './raw-request.ts'

const MINUTE_MS = 60_000
const missingToken: Expected = { status: 403, code: 'MissingAuthenticationToken' }
const incomplete: Expected = { status: 400, code: 'IncompleteSignature' }
const unknownKey: Expected = { status: 403, code: 'InvalidClientTokenId' }
const noMatch: Expected = { status: 403, code: 'SignatureDoesNotMatch' }
const insecure: Expected = {
  status: 403,
  code: 'InvalidSecurity',
  message: 'Requests on encrypted topics require HTTPS and Signature Version 4 (the topic has a KmsMasterKeyId)',
}

suite('a request', () => {
  let client: HostileClient
  let publish: Readonly<Record<string, string>>

  before(async () => {
    client = await startHostileClient()
    publish = { Action: 'Publish', TopicArn: client.plainTopic, Message: MARK }
  })

  after(async () => {
    await client[Symbol.asyncDispose]()
  })

  test('without a signature is refused, whatever it asks for', async () => {
    const actions = [
      'Publish',
      'CreateTopic',
      'DeleteTopic',
      'ListTopics',
      'Subscribe',
      'GetCallerIdentity',
      'Nonsense',
      '',
    ]
    await client.assertHarmless(async () => {
      for (const plain of [false, true]) {
        for (const Action of actions) {
          const parameters = { Action, Name: 'never-made', TopicArn: client.plainTopic, Message: MARK }
          client.assertRefused(await client.call(parameters, { signed: false, plain }), missingToken, Action)
          const inUrl = await client.send({ url: `${client.httpsUrl}?${formOf(parameters)}`, method: 'GET' })
          client.assertRefused(inUrl, missingToken, `${Action} by GET`)
        }
      }
    })
  })

  test('signed with what is not known, or with the wrong secret, is refused', async () => {
    const { accessKeyId } = client.stack.clientConfig.credentials
    const rows: [string, Parameters<HostileClient['call']>[1], Expected][] = [
      ['an unknown key id', { accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }, unknownKey],
      ['a key id in lower case', { accessKeyId: accessKeyId.toLowerCase() }, unknownKey],
      ['a key id named __proto__', { accessKeyId: '__proto__' }, unknownKey],
      ['a wrong secret', { secretAccessKey: MARK }, noMatch],
      ['a session token', { headers: { 'x-amz-security-token': MARK } }, unknownKey],
      ['the scope of another service', { service: 'sqs' }, noMatch],
      [
        'the scope of STS',
        { service: 'sts' },
        { ...noMatch, message: "Credential should be scoped to correct service: 'sns'. " },
      ],
      [
        'a region in capitals',
        { region: 'US-EAST-1' },
        { ...noMatch, message: 'Credential should be scoped to a valid region. ' },
      ],
      ['a pseudo region', { region: 'fips-us-east-1' }, noMatch],
      ['a region too long for an ARN', { region: 'r'.repeat(33) }, noMatch],
      ['a header that nobody signed', { headers: { 'x-amz-meta': 'x' } }, noMatch],
      ['another content hash', { headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }, noMatch],
      ['another host', { headers: { host: 'localhost:1' } }, noMatch],
      ['a host without its port', { headers: { host: 'localhost' } }, noMatch],
    ]
    await client.assertHarmless(async () => {
      for (const [what, o, expected] of rows) {
        client.assertRefused(await client.call(publish, o), expected, what)
        client.assertRefused(await client.call(publish, { ...o, plain: true }), expected, `${what}, plain`)
      }
      const asUser = { Action: 'GetCallerIdentity', Version: '2011-06-15' }
      const expected = { ...noMatch, message: "Credential should be scoped to correct service: 'sts'. " }
      client.assertRefused(await client.call(asUser), expected, 'GetCallerIdentity in the scope of SNS')
    })
  })

  test('of another time is refused', async () => {
    const now = Date.now()
    await client.assertHarmless(async () => {
      const old = await client.call(publish, { now: now - 16 * MINUTE_MS })
      client.assertRefused(old, { ...noMatch, message: /^Signature expired: \d{8}T\d{6}Z is now earlier than / }, 'old')
      const early = await client.call(publish, { now: now + 16 * MINUTE_MS })
      client.assertRefused(early, { ...noMatch, message: /^Signature not yet current: / }, 'from the future')
      for (const date of ['2026-01-01T00:00:00Z', 'Tue, 24 Nov 2026 08:00:00 GMT', '20269999T000000Z', '']) {
        const response = await client.call(publish, { headers: { 'x-amz-date': date } })
        client.assertRefused(response, incomplete, `dated ${date}`)
      }
    })
    const accepted = await client.call(publish, { now: Date.now() - 14 * MINUTE_MS })
    assert.equal(accepted.status, 200)
  })

  test('with a mangled Authorization header is refused', async () => {
    const { authorization = '' } = signed().headers
    const rows: [string, string | readonly string[], Expected][] = [
      ['an empty one', '', incomplete],
      ['Basic', 'Basic dXNlcjpwYXNz', incomplete],
      ['a bearer token', `Bearer ${MARK}`, incomplete],
      ['the algorithm alone', 'AWS4-HMAC-SHA256', incomplete],
      ['another algorithm', authorization.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'), incomplete],
      ['no credential', authorization.replace(/Credential=[^,]*, /, ''), incomplete],
      ['no signed headers', authorization.replace(/SignedHeaders=[^,]*, /, ''), incomplete],
      ['no signature', authorization.replace(/, Signature=.*/, ''), incomplete],
      ['two credentials', authorization.replace('Credential=', 'Credential=x/y/z/a/b, Credential='), incomplete],
      ['an unknown part', `${authorization}, Extra=1`, incomplete],
      ['a scope of four parts', authorization.replace('/sns/aws4_request', '/aws4_request'), incomplete],
      ['another terminator', authorization.replace('aws4_request', 'aws5_request'), noMatch],
      ['another day', authorization.replace(/\/\d{8}\//, '/20200101/'), noMatch],
      ['a cut signature', authorization.slice(0, -1), noMatch],
      ['a signature in capitals', authorization.replace(/[0-9a-f]{64}$/, (hex) => hex.toUpperCase()), noMatch],
      ['a signature of zeros', authorization.replace(/[0-9a-f]{64}$/, '0'.repeat(64)), noMatch],
      ['no host among the signed', authorization.replace('host;', ''), noMatch],
      ['an absent header among the signed', authorization.replace('host;', 'host;if-match;'), noMatch],
      [
        'a prototype among the signed',
        authorization.replace('content-type;', '__proto__;constructor;content-type;'),
        noMatch,
      ],
      ['it twice', [authorization, authorization], incomplete],
    ]
    await client.assertHarmless(async () => {
      for (const [what, header, expected] of rows) {
        client.assertRefused(await client.call(publish, { headers: { authorization: header } }), expected, what)
      }
    })
  })

  test('changed after it was signed is refused', async () => {
    await client.assertHarmless(async () => {
      const { url, body, headers } = signed()
      const rows: [string, Parameters<HostileClient['send']>[0]][] = [
        ['its body', { url, headers, body: `${body}&Subject=x` }],
        ['its path', { url: `${url}x`, headers, body: String(body) }],
        ['its query', { url: `${url}?Subject=x`, headers, body: String(body) }],
        ['its content type', { url, headers: { ...headers, 'content-type': 'text/plain' }, body: String(body) }],
        ['its date', { url, headers: { ...headers, 'x-amz-date': '20200101T000000Z' }, body: String(body) }],
        ['its method', { url: `${url}?${body}`, method: 'GET', headers }],
      ]
      for (const [what, request] of rows) {
        const response = await client.send(request)
        if (what === 'its path') assert.equal(response.status, 404)
        else client.assertRefused(response, noMatch, what)
      }
    })
  })

  test('signed in the URL is served until it expires, and only as it was signed', async () => {
    const presigned = await presign({ expiresIn: 60 })
    const served = await client.send({ url: presigned, method: 'GET' })
    assert.equal(served.status, 200, served.body)
    assert.match(served.body, /<MessageId>/)
    await client.assertHarmless(async () => {
      const old = await presign({ expiresIn: 60, signingDate: new Date(Date.now() - 5 * MINUTE_MS) })
      const expired = { status: 400, code: 'RequestExpired', message: 'Request has expired.' }
      client.assertRefused(await client.send({ url: old, method: 'GET' }), expired, 'expired')
      const rows: [string, string, Expected][] = [
        ['another message', presigned.replace(MARK, 'x'), noMatch],
        ['another parameter', `${presigned}&Subject=x`, noMatch],
        ['a longer life', presigned.replace('X-Amz-Expires=60', 'X-Amz-Expires=600'), noMatch],
        ['a life beyond a week', presigned.replace('X-Amz-Expires=60', 'X-Amz-Expires=604801'), incomplete],
        [
          'two signatures',
          `${presigned}&X-Amz-Signature=${'0'.repeat(64)}`,
          { status: 400, code: 'InvalidQueryParameter' },
        ],
        ['no date', presigned.replace(/X-Amz-Date=[^&]*&?/, ''), incomplete],
        ['no signature', presigned.replace(/X-Amz-Signature=[^&]*&?/, ''), incomplete],
      ]
      for (const [what, url, expected] of rows) {
        client.assertRefused(await client.send({ url, method: 'GET' }), expected, what)
      }
      const both = await client.send({
        url: presigned,
        method: 'GET',
        headers: { authorization: 'AWS4-HMAC-SHA256 x' },
      })
      client.assertRefused(both, incomplete, 'signed twice')
    })
  })

  test('to a sealed topic is refused over plain HTTP, signed or not, and unsigned over HTTPS', async () => {
    const TopicArn = client.sealedTopic
    const SubscriptionArn = `${client.plainTopic}:11111111-2222-4333-8444-555555555555`
    const message = { Action: 'Publish', Message: MARK }
    const subscribe = { Action: 'Subscribe', Protocol: 'https', Endpoint: 'https://localhost/' }
    const member = 'PublishBatchRequestEntries.member.1'
    const requests: Readonly<Record<string, string>>[] = [
      { ...message, TopicArn },
      { ...message, TargetArn: TopicArn },
      { ...message, TopicArn, SubscriptionArn },
      { ...message, TopicArn, SubscriptionArn: 'x' },
      { ...message, TopicArn, Message: '' },
      { Action: 'PublishBatch', TopicArn, [`${member}.Id`]: 'a', [`${member}.Message`]: MARK },
      { ...subscribe, TopicArn },
      { Action: 'GetTopicAttributes', TopicArn },
      { Action: 'SetTopicAttributes', TopicArn, AttributeName: 'KmsMasterKeyId', AttributeValue: '' },
      { Action: 'DeleteTopic', TopicArn },
    ]
    await client.assertHarmless(async () => {
      for (const parameters of requests) {
        const what = JSON.stringify(parameters)
        client.assertRefused(await client.call(parameters, { plain: true }), insecure, `signed, plain: ${what}`)
        client.assertRefused(await client.call(parameters, { plain: true, signed: false }), insecure, `plain: ${what}`)
        client.assertRefused(await client.call(parameters, { signed: false }), insecure, `unsigned: ${what}`)
        const inUrl = await client.send({ url: `${client.httpUrl}?${formOf(parameters)}`, method: 'GET' })
        client.assertRefused(inUrl, insecure, `by GET: ${what}`)
      }
      // These two say what is wrong with the token and the subscription, since they may come unsigned.
      for (const o of [{ signed: false }, { signed: false, plain: true }, { plain: true }]) {
        const confirm = await client.call({ Action: 'ConfirmSubscription', TopicArn, Token: '0'.repeat(288) }, o)
        client.assertRefused(confirm, { status: 400, code: 'InvalidParameter' }, 'ConfirmSubscription')
        const unknown = `${TopicArn}:11111111-2222-4333-8444-555555555555`
        const unsubscribe = await client.call({ Action: 'Unsubscribe', SubscriptionArn: unknown }, o)
        assert.equal(unsubscribe.status, 200)
      }
    })
  })

  test('over plain HTTP to a topic without encryption is served, until it has some', async () => {
    const TopicArn = await createTopic('open-until-sealed')
    const message = { Action: 'Publish', TopicArn, Message: MARK }
    assert.equal((await client.call(message, { plain: true })).status, 200)
    const attribute = { Action: 'SetTopicAttributes', TopicArn, AttributeName: 'KmsMasterKeyId' }
    assert.equal((await client.call({ ...attribute, AttributeValue: 'alias/none' })).status, 200)
    await client.assertHarmless(async () => {
      client.assertRefused(await client.call(message, { plain: true }), insecure, 'sealed by now')
    })
    assert.equal((await client.call({ ...attribute, AttributeValue: '' })).status, 200)
    assert.equal((await client.call(message, { plain: true })).status, 200)
  })

  test('by another account gets one answer, whether the topic exists or not', async () => {
    const arn = 'arn:aws:iam::111111111111:user/mallory'
    const mallory = await addPrincipal(join(client.stack.home, 'principals.json'), {
      arn,
      policies: ADMINISTRATOR_ACCESS,
    })
    const other = { accessKeyId: mallory.accessKeyId, secretAccessKey: mallory.secretAccessKey }
    const deadline = performance.now() + 2000
    while ((await client.call({ Action: 'ListTopics' }, other)).status !== 200) {
      assert.ok(performance.now() < deadline, 'the new principal is known')
    }
    await client.assertHarmless(async () => {
      const requests: Readonly<Record<string, string>>[] = [
        { Action: 'Publish', Message: MARK },
        { Action: 'Subscribe', Protocol: 'https', Endpoint: 'https://localhost/' },
        { Action: 'GetTopicAttributes' },
        { Action: 'SetTopicAttributes', AttributeName: 'DisplayName', AttributeValue: MARK },
        { Action: 'DeleteTopic' },
      ]
      for (const parameters of requests) {
        const answers: string[] = []
        for (const TopicArn of [client.plainTopic, client.sealedTopic, `${client.plainTopic}-missing`]) {
          const response = await client.call({ ...parameters, TopicArn }, other)
          const message =
            `User: ${arn} is not authorized to perform: SNS:${parameters.Action} on resource: ${TopicArn} ` +
            `because no resource-based policy allows the SNS:${parameters.Action} action`
          client.assertRefused(response, { status: 403, code: 'AuthorizationError', message }, parameters.Action ?? '')
          answers.push(response.message.replaceAll(TopicArn, ''))
        }
        assert.equal(new Set(answers).size, 1)
      }
      // Whoever holds a token may use it from any account.
      for (const TopicArn of [client.plainTopic, `${client.plainTopic}-missing`]) {
        const response = await client.call({ Action: 'ConfirmSubscription', Token: '0'.repeat(288), TopicArn }, other)
        const expected = { status: 400, code: 'InvalidParameter', message: 'Invalid parameter: Token' }
        client.assertRefused(response, expected, 'ConfirmSubscription')
      }
      const listed = await client.call({ Action: 'ListTopics' }, other)
      assert.doesNotMatch(listed.body, /arn:aws:sns/)
    })
  })

  test('left neither a text nor a failure of ours in the log', async () => {
    await client.assertQuietLog()
  })

  function signed() {
    return signedForm(client.httpsUrl, formOf(publish), client.stack.clientConfig.credentials)
  }

  async function createTopic(Name: string): Promise<string> {
    const { body } = await client.call({ Action: 'CreateTopic', Name })
    return /<TopicArn>([^<]+)</.exec(body)?.[1] ?? ''
  }

  /** A URL that publishes, signed by an independent implementation. */
  async function presign(o: { expiresIn: number; signingDate?: Date }): Promise<string> {
    const { hostname, port, host } = new URL(client.httpsUrl)
    const signer = new SignatureV4({
      credentials: client.stack.clientConfig.credentials,
      region: 'us-east-1',
      service: 'sns',
      sha256: Sha256,
    })
    const { query } = await signer.presign(
      {
        method: 'GET',
        protocol: 'https:',
        hostname,
        port: Number(port),
        path: '/',
        query: { ...publish, Version: '2010-03-31' },
        headers: { host },
      },
      o,
    )
    return `${client.httpsUrl}?${formOf(Object.fromEntries(Object.entries(query ?? {}).map(([k, v]) => [k, String(v)])))}`
  }
})
