import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { canStandFor } from './accept-answer.ts'

const ID = '1234abcd-12ab-34cd-56ef-1234567890ab'
const ARN = `arn:aws:kms:us-east-1:111122223333:key/${ID}`
const ALIAS = 'alias/orders'

suite('canStandFor()', () => {
  for (const [asked, keyArn, expected] of [
    [ARN, ARN, true],
    [ARN, ARN.replace('1234abcd', '00000000'), false],
    [ID, ARN, true],
    [ID, ARN.replace('111122223333', '444455556666'), true],
    [ID, ARN.replace('us-east-1', 'us-west-2'), false],
    [ID, ARN.replace('1234abcd', '00000000'), false],
    [ID, `${ARN}0`, false],
    [ALIAS, ARN, true],
    [ALIAS, ARN.replace('us-east-1', 'us-west-2'), false],
    [ALIAS, ARN.replace(`key/${ID}`, ALIAS), false],
    [`arn:aws:kms:us-east-1:111122223333:${ALIAS}`, ARN, true],
    [`arn:aws:kms:us-east-1:444455556666:${ALIAS}`, ARN, false],
    [`arn:aws:kms:us-west-2:111122223333:${ALIAS}`, ARN, false],
    [`arn:aws-cn:kms:us-east-1:111122223333:${ALIAS}`, ARN, false],
    [ALIAS, '', false],
    [ID, ID, false],
    [ALIAS, 'no ARN', false],
  ] as const) {
    test(`${expected ? 'takes' : 'refuses'} ${keyArn || 'nothing'} for ${asked}`, () => {
      assert.equal(canStandFor(asked, 'us-east-1', keyArn), expected)
    })
  }
})
