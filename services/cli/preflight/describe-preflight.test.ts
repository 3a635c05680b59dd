import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { describePreflight } from './describe-preflight.ts'
import type { Missing, PreflightReport, Step } from './report.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const KEY = 'arn:aws:kms:us-east-1:000000000000:key/11111111-2222-4333-8444-555555555555'
const ADA = 'arn:aws:iam::000000000000:user/ada'
const STATEMENT = { Effect: 'Allow', Action: 'sns:Publish', Resource: TOPIC } as const

suite('describePreflight()', () => {
  test('shows a line for each step, with code, reason and the statements that decided', () => {
    const steps: Step[] = [
      allowed({ step: 'publish', by: { source: 'identity', policy: 'own', sid: 'All', index: 0 } }),
      allowed({
        step: 'GenerateDataKey',
        by: { source: 'identity', policy: 'own', index: 1 },
        through: { source: 'resource', index: 0 },
      }),
      {
        step: 'Decrypt',
        verdict: 'refused',
        why: 'no identity policy allows it',
        code: 'KMSAccessDenied',
        missing: [],
      },
      allowed({ step: 'deliver', by: { source: 'grant', policy: 'g-1', index: 0 } }),
    ]
    const subscription = `${TOPIC}:s-1`
    const pending: Step = { step: 'deliver', verdict: 'refused', why: 'it waits for its confirmation', missing: [] }
    const text = describe({
      publishers: [{ publisher: ADA, verdict: 'refused', steps }],
      subscriptions: [{ subscription, protocol: 'https', verdict: 'refused', steps: [pending] }],
      notes: ['Taken for granted: something.'],
    })
    assert.equal(
      text,
      [
        `topic ${TOPIC}`,
        'not sealed',
        '',
        `publisher ${ADA}`,
        '  publish          allowed  [identity policy own, statement 0 “All”]',
        '  GenerateDataKey  allowed  [identity policy own, statement 1, with resource policy, statement 0]',
        '  Decrypt          refused  KMSAccessDenied: no identity policy allows it',
        '  deliver          allowed  [grant g-1]',
        '',
        `subscription ${subscription} (https)`,
        '  deliver          refused  it waits for its confirmation',
        '',
        'Taken for granted: something.',
        '',
      ].join('\n'),
    )
  })

  for (const [name, key, line] of [
    ['once when the topic names it by ARN', { keyId: KEY, keyArn: KEY, keyState: 'Enabled' }, `${KEY} (Enabled)`],
    [
      'under its alias and by ARN',
      { keyId: 'alias/a', keyArn: KEY, keyState: 'Disabled' },
      `alias/a, ${KEY} (Disabled)`,
    ],
    ['as the topic names it when it was not found', { keyId: 'alias/a' }, 'alias/a'],
  ] as const) {
    test(`shows the key ${name}`, () => {
      assert.equal(describe(key).split('\n')[1], `sealed with ${line}`)
    })
  }

  test('shows a statement that several steps lack once, with its command', () => {
    const missing: Missing = { policy: 'topic policy', of: TOPIC, statement: STATEMENT, command: 'aws sns …' }
    const step: Step = { step: 'publish', verdict: 'refused', why: 'why', missing: [missing, { ...missing }] }
    const text = describe({ publishers: [{ publisher: ADA, verdict: 'refused', steps: [step, step] }] })
    const shown = [`Missing in the topic policy of ${TOPIC}:`, JSON.stringify(STATEMENT, undefined, 2)]
    assert.equal(text.split(`\n\n${[...shown, 'To put it in place:', 'aws sns …', ''].join('\n')}`).length, 2, text)
    assert.equal(text.split('Missing in').length, 2, text)
  })

  test('says who can add a statement that no command can', () => {
    const missing: Missing = { policy: 'session policy', of: ADA, statement: STATEMENT }
    const step: Step = { step: 'publish', verdict: 'refused', why: 'why', missing: [missing] }
    const text = describe({ publishers: [{ publisher: ADA, verdict: 'refused', steps: [step] }] })
    assert.match(text, /\}\nIt is chosen by whoever starts the session\.\n$/)
  })

  test('shows nothing that a terminal would act on, whoever chose the names', () => {
    const evil = 'a\u001b[2J\r\n\u202eb'
    const statement = { ...STATEMENT, Resource: evil }
    const missing: Missing = { policy: 'topic policy', of: evil, statement, command: 'c' }
    const step: Step = {
      step: 'publish',
      verdict: 'refused',
      why: evil,
      by: { source: 'identity', policy: evil, sid: evil, index: 0 },
      missing: [missing],
    }
    const publishers = [{ publisher: evil, verdict: 'refused', steps: [step] }] as const
    const text = describe({ keyId: evil, publishers, notes: [evil] })
    assert.doesNotMatch(text, /[^\n\x20-\x7e’“”]/)
    assert.equal(text.split('a?[2J???b').length - 1, 7, text)
  })
})

function allowed(o: Omit<Step, 'verdict' | 'why' | 'missing'>): Step {
  return { ...o, verdict: 'allowed', why: 'allowed', missing: [] }
}

function describe(o: Partial<PreflightReport>): string {
  return describePreflight({
    topicArn: TOPIC,
    verdict: 'refused',
    publishers: [],
    subscriptions: [],
    notes: [],
    ...o,
  })
}
