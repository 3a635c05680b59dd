import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { compilePolicy } from '#shared/policy'
import { createTestPrincipal } from '#shared/test-principals'
import { publisherOf } from './publisher.ts'

suite('publisherOf()', () => {
  test('is the id alone of most', () => {
    const principal = createTestPrincipal({ arn: 'arn:aws:iam::000000000000:user/ada' })
    assert.deepEqual(publisherOf({ principal }), { id: principal.arn })
  })

  test('tells KMS for whom a service acts', () => {
    const principal = createTestPrincipal({ arn: 's3.amazonaws.com', kind: 'service', publisher: 's3.amazonaws.com#1' })
    const { id, grounds } = publisherOf({ principal, source: { arn: 'arn:aws:s3:::pictures' } })
    assert.equal(id, 's3.amazonaws.com#1')
    assert.equal(grounds?.sourceArn, 'arn:aws:s3:::pictures')
  })

  test("tells KMS a session's own tags and its source identity, and nothing of one that has none", () => {
    const arn = 'arn:aws:sts::000000000000:assumed-role/r/s'
    const tags = new Map(Object.entries({ team: 'orders', stage: 'test' }))
    const principal = createTestPrincipal({ arn, tags, sourceIdentity: 'ada', publisher: 'r#1' })
    const session = { tags: { team: 'orders' }, transitiveTagKeys: [], sourceIdentity: 'ada' }
    const { grounds } = publisherOf({ principal, session })
    assert.deepEqual([grounds?.sessionTags, grounds?.sourceIdentity], [{ team: 'orders' }, 'ada'])
    const plain = createTestPrincipal({ arn, tags })
    assert.deepEqual(publisherOf({ principal: plain, session: { tags: {}, transitiveTagKeys: [] } }), {
      id: plain.publisher,
    })
  })

  test('tells KMS what a session may do at most', () => {
    const text = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:*","Resource":"*"}]}'
    const sessionPolicy = compilePolicy(text, { kind: 'identity' })
    const principal = createTestPrincipal({ arn: 'arn:aws:sts::000000000000:assumed-role/r/s', sessionPolicy })
    assert.equal(publisherOf({ principal }).grounds?.sessionPolicy, text)
  })
})
