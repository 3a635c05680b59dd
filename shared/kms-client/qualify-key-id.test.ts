import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isKeyArn, qualifyKeyId } from './index.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:orders'

suite('qualifyKeyId()', () => {
  test("gives bare ids and aliases the topic's account and region", () => {
    assert.equal(qualifyKeyId('1234abcd', TOPIC), 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd')
    assert.equal(qualifyKeyId('mrk-12', TOPIC), 'arn:aws:kms:eu-west-1:111122223333:key/mrk-12')
    assert.equal(qualifyKeyId('alias/a/b', TOPIC), 'arn:aws:kms:eu-west-1:111122223333:alias/a/b')
  })

  test('leaves ARNs as they are, of other accounts and regions too', () => {
    for (const resource of ['key/1234abcd', 'alias/a']) {
      const arn = `arn:aws:kms:us-east-1:444455556666:${resource}`
      assert.equal(qualifyKeyId(arn, TOPIC), arn)
    }
  })
})

suite('isKeyArn()', () => {
  test('takes ARNs of keys of every partition, multi-Region ones too', () => {
    for (const [partition, id] of [
      ['aws', '1234abcd-12ab-34cd-56ef-1234567890ab'],
      ['aws-cn', 'mrk-12'],
    ]) {
      assert.ok(isKeyArn(`arn:${partition}:kms:eu-west-1:111122223333:key/${id}`))
    }
  })

  test('refuses aliases, bare ids and whatever else stands behind the id', () => {
    const arn = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd'
    for (const text of [
      '1234abcd',
      arn.replace('key/', 'alias/'),
      `${arn}\n`,
      `${arn}/x`,
      `${arn}\x1b[2J`,
      ` ${arn}`,
    ]) {
      assert.ok(!isKeyArn(text), text)
    }
  })
})
