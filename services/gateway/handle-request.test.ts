import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AuditedCall } from '#shared/audit'
import { createFakeClock } from '#shared/clock'
import { RedisForeignDataError, RedisReplyError } from '#shared/redis'
import { createTestPrincipal } from '#shared/test-principals'
import type { ActionServices } from './action.ts'
import type { Caller } from './caller.ts'
import { createHandleRequest, type GatewayRequest } from './handle-request.ts'

const SEALED = 'arn:aws:sns:us-east-1:000000000000:sealed'

suite('handleRequest()', () => {
  test('neither logs an unknown action nor repeats all of it', async () => {
    const { handle, logged, counted } = setup()
    const response = await handle({ Action: 'x'.repeat(100_000), Version: 'y'.repeat(100_000) })
    assert.equal(response.status, 400)
    assert.match(response.body, /<Code>InvalidAction<\/Code>/)
    assert.ok(response.body.length < 1000, String(response.body.length))
    assert.deepEqual(
      logged.map(({ event, fields }) => [event, fields.action]),
      [['request.refused', 'unknown']],
    )
    assert.deepEqual(counted, [['unknown', 'InvalidAction']])
  })

  test('reveals nothing of an error it does not know, and logs it', async () => {
    const { handle, logged } = setup()
    const response = await handle({ Action: 'ListTopics' })
    assert.equal(response.status, 500)
    assert.match(response.body, /<Type>Receiver<\/Type>\s*<Code>InternalError<\/Code>/)
    assert.doesNotMatch(response.body, /listTopics|undefined/)
    assert.deepEqual(
      logged.map(({ event, level }) => [event, level]),
      [['request.failed', 'error']],
    )
  })

  const unsigned = [
    ['an action that needs a signature', { Action: 'ListTopics' }, 'MissingAuthenticationToken'],
    ['an unknown action', { Action: 'Nonsense' }, 'MissingAuthenticationToken'],
    ['no action', {}, 'MissingAuthenticationToken'],
    ['an action on a sealed topic', { Action: 'Publish', TopicArn: SEALED }, 'InvalidSecurity'],
    ['an unknown action on a sealed topic', { Action: 'Nonsense', TopicArn: SEALED }, 'InvalidSecurity'],
    ['ConfirmSubscription on a sealed topic', { Action: 'ConfirmSubscription', TopicArn: SEALED }, 'InvalidParameter'],
    ['Unsubscribe on a sealed topic', { Action: 'Unsubscribe', SubscriptionArn: SEALED }, 'InvalidParameter'],
  ] as const
  for (const [name, parameters, code] of unsigned) {
    test(`answers ${name} without a signature with ${code}`, async () => {
      const { handle } = setup()
      const response = await handle(parameters, { signed: false })
      assert.match(response.body, new RegExp(`<Code>${code}</Code>`))
    })
  }

  test('looks at the transport of signed requests as well', async () => {
    const { handle } = setup()
    const response = await handle({ Action: 'Publish', TopicArn: SEALED }, { secure: false })
    assert.equal(response.status, 403)
    assert.match(response.body, /<Code>InvalidSecurity<\/Code>/)
  })

  test('tells that a key in Redis has another type, and says nothing of it to the caller', async () => {
    const { handle, failTopicsWith, foreignData } = setup()
    failTopicsWith(new RedisReplyError('OOPS', 'x'))
    await handle({ Action: 'Publish', TopicArn: SEALED }, { secure: false })
    assert.equal(foreignData(), 0)
    failTopicsWith(new RedisForeignDataError('WRONGTYPE'))
    const response = await handle({ Action: 'Publish', TopicArn: SEALED }, { secure: false })
    assert.equal(foreignData(), 1)
    assert.equal(response.status, 500)
    assert.doesNotMatch(response.body, /WRONGTYPE|key/)
  })

  test('puts a denial on the record in place of a line of its own, and a lesser refusal in neither', async () => {
    const { handle, logged, recorded } = setup()
    await handle({ Action: 'Publish', TopicArn: SEALED }, { secure: false })
    await handle({ Action: 'ListTopics' }, { signed: false })
    await handle({ Action: 'Nonsense' })
    assert.deepEqual(
      recorded.map(({ record, action, code, principal, sourceIp }) => [record, action, code, principal, sourceIp]),
      [
        ['denied', 'sns:Publish', 'InvalidSecurity', 'arn:aws:iam::000000000000:user/ada', '127.0.0.1'],
        ['denied', 'sns:ListTopics', 'MissingAuthenticationToken', undefined, '127.0.0.1'],
      ],
    )
    assert.deepEqual(
      logged.map(({ event, fields }) => [event, fields.code]),
      [['request.refused', 'InvalidAction']],
    )
  })

  test('answers with the id it logs', async () => {
    const { handle, logged } = setup()
    const { requestId, body } = await handle({ Action: 'Nonsense' })
    assert.match(body, new RegExp(`<RequestId>${requestId}</RequestId>`))
    assert.equal(logged[0]?.fields.requestId, requestId)
  })
})

function setup() {
  const logged: { level: string; event: string; fields: Record<string, unknown> }[] = []
  const counted: [string, string][] = []
  const recorded: AuditedCall[] = []
  const logAt =
    (level: string) =>
    (event: string, fields: Record<string, unknown> = {}) => {
      logged.push({ level, event, fields })
    }
  const caller: Caller = {
    region: 'us-east-1',
    sourceIp: '127.0.0.1',
    secure: true,
    principal: createTestPrincipal({ arn: 'arn:aws:iam::000000000000:user/ada' }),
  }
  let failure: Error | undefined
  let foreignData = 0
  const find: ActionServices['topics']['find'] = async (arn) => {
    if (failure !== undefined) throw failure
    return arn === SEALED
      ? { arn, incarnation: 'i', owner: '000000000000', createdAt: 0, attributes: { kmsMasterKeyId: 'alias/a' } }
      : undefined
  }
  // The catalog is missing on purpose: an action that reaches it meets an error of no known kind.
  const services = { topics: { find }, clock: createFakeClock(0) } as unknown as ActionServices
  const handleWith = (signed: boolean) =>
    createHandleRequest({
      authenticate: () => (signed ? caller : undefined),
      services,
      clock: createFakeClock(0),
      log: { info: logAt('info'), warn: logAt('warn'), error: logAt('error'), alarm: logAt('alarm'), flush: () => {} },
      audit: { record: (call) => recorded.push(call) },
      onAnswered: (action, code) => counted.push([action, code]),
      onForeignData: () => foreignData++,
    })
  const handle = (parameters: Record<string, string>, { signed = true, secure = true } = {}) => {
    const request: GatewayRequest = {
      method: 'POST',
      path: '/',
      query: '',
      headers: {},
      body: Buffer.from(new URLSearchParams(parameters).toString()),
      secure,
      remoteAddress: '127.0.0.1',
    }
    return handleWith(signed)(request)
  }
  const failTopicsWith = (error: Error) => {
    failure = error
  }
  return { handle, logged, recorded, counted, failTopicsWith, foreignData: () => foreignData }
}
