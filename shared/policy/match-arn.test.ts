// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of policies

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { compileResource } from './match-arn.ts'

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:orders'

suite('compileResource()', () => {
  for (const [pattern, resource, expected] of [
    ['*', TOPIC, true],
    ['*', '*', true],
    ['arn:aws:sns:*', '*', false],
    [TOPIC, TOPIC, true],
    [TOPIC, `${TOPIC}x`, false],
    [TOPIC, TOPIC.toUpperCase(), false],
    ['arn:aws:sns:us-east-1:111122223333:Orders', TOPIC, false],
    ['arn:aws:sns:*', TOPIC, true],
    ['arn:aws:sns:us-*', TOPIC, true],
    ['arn:aws:sns:eu-*', TOPIC, false],
    ['arn:aws:sns:us-east-1:111122223333:*', TOPIC, true],
    ['arn:aws:sns:*:*:orders', TOPIC, true],
    ['arn:aws:sns:us-east-?:1111????3333:ord*s', TOPIC, true],
    ['arn:*:sns:*:*:*', TOPIC, true],
    // A star between colons stays there, whatever a name has in it.
    ['arn:aws:sns:*:444455556666:orders', 'arn:aws:sns:us-east-1:111122223333:444455556666:orders', false],
    ['arn:aws:sns:us-east-1*:orders', TOPIC, 'refused'],
    ['arn:aws:sns:us-east-1?111122223333:a:orders', TOPIC, false],
    ['arn:aws:sns:*:*:orders:*', `${TOPIC}:id`, true],
    ['arn:aws:s3:::bucket/*/test/*', 'arn:aws:s3:::bucket/1/2/test/3/object.jpg', true],
    ['arn:aws:s3:::bucket/*/test/*', 'arn:aws:s3:::bucket/1-test/object.jpg', false],
    ['arn:aws:sns:*:*:${aws:username}', TOPIC, true],
    ['arn:aws:sns:*:*:${aws:username}*', `${TOPIC}-new`, true],
    ['arn:aws:sns:*:*:${test:star}', TOPIC, false],
    ['arn:aws:sns:*:*:${test:star}', 'arn:aws:sns:us-east-1:111122223333:*', true],
    ['arn:aws:sns:*:*:${test:several}', TOPIC, false],
    ["arn:aws:sns:*:*:${test:several, 'orders'}", TOPIC, true],
    ['arn:aws:sns:*:*:${test:absent}', TOPIC, false],
    ['arn:aws:sns:*:*:${test:absent}', 'arn:aws:sns:us-east-1:111122223333:${test:absent}', false],
    ['arn:aws:sns:*:*:${*}', TOPIC, false],
    ['arn:aws:sns:us-east-1:111122223333:orders', 'no arn', false],
  ] as const) {
    test(`${pattern} on ${resource}: ${expected}`, () => {
      const context = new Map<string, string | readonly string[]>([
        ['aws:username', 'orders'],
        ['test:star', '*'],
        ['test:several', ['orders', 'paid']],
      ])
      if (expected === 'refused') assert.throws(() => compileResource(pattern, true, ''))
      else assert.equal(compileResource(pattern, true, '').matches(resource, context), expected)
    })
  }

  test('takes variables for text in documents of the older version', () => {
    const pattern = compileResource('arn:aws:sns:*:*:${aws:username}', false, '')
    assert.equal(pattern.matches(TOPIC, new Map([['aws:username', 'orders']])), false)
    assert.deepEqual(pattern.variables, [])
  })
})
