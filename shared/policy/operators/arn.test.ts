// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of policies

import { suite } from 'node:test'
import { checkBadValues, checkTable } from '../testing/check-table.ts'

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:orders'

suite('ARN operators', () => {
  checkTable(
    [
      ['ArnEquals', TOPIC, TOPIC, true],
      ['ArnEquals', 'arn:aws:sns:*:111122223333:orders', TOPIC, true],
      ['ArnLike', 'arn:aws:sns:us-east-?:111122223333:ord*', TOPIC, true],
      ['ArnLike', 'arn:aws:sns:*:*:*', TOPIC, true],
      ['ArnLike', 'arn:aws:sns:us-east-1:111122223333:ORDERS', TOPIC, false],
      ['ArnLike', 'arn:aws:s3:*:*:*', TOPIC, false],
      ['ArnLike', 'arn:aws:sns:*:444455556666:*', 'arn:aws:sns:us-east-1:111122223333:x:444455556666:y', false],
      ['ArnLike', 'arn:aws:sns:us-east-1:111122223333:*', 'arn:aws:sns:us-east-1:111122223333:orders:id', true],
      ['ArnLike', '*', TOPIC, true],
      ['ArnLike', TOPIC, 'no arn', false],
      ['ArnLike', TOPIC, undefined, false],
      ['ArnLike', 'arn:aws:sns:*:*:${test:name}', TOPIC, true],
      ['ArnLike', 'arn:aws:sns:*:*:${test:star}', TOPIC, false],
      ['ArnLike', 'arn:aws:sns:*:*:${test:star}', 'arn:aws:sns:us-east-1:111122223333:*', true],
      ['ArnLike', '${test:arn}', TOPIC, true],
      ['ArnLike', '${test:absent}', TOPIC, false],
      ['ArnNotEquals', TOPIC, TOPIC, false],
      ['ArnNotEquals', [TOPIC, 'arn:aws:sns:*:*:paid'], 'arn:aws:sns:us-east-1:111122223333:other', true],
      ['ArnNotLike', 'arn:aws:sns:*:*:ord*', TOPIC, false],
      ['ArnNotLike', 'arn:aws:sns:*:*:ord*', undefined, true],
    ],
    { 'test:name': 'orders', 'test:star': '*', 'test:arn': TOPIC },
  )
  checkBadValues('ArnLike', [
    '',
    'orders',
    '111122223333',
    'arn:aws:sns:*',
    'arn:aws:sns:us-east-1:111122223333',
    'urn:a:b:c:d:e',
  ])
})
