import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { roleSessionNameOf } from './role-session-name.ts'

suite('roleSessionNameOf()', () => {
  test('names the broker and the publisher', () => {
    const names = {
      'arn:aws:iam::111122223333:user/ada': 'sealcast-111122223333-user.ada',
      'arn:aws:iam::111122223333:role/billing': 'sealcast-111122223333-role.billing',
      'arn:aws:iam::111122223333:root': 'sealcast-111122223333-root',
    }
    for (const [publisher, name] of Object.entries(names)) assert.equal(roleSessionNameOf(publisher), name)
  })

  test('tells publishers apart that its characters or its length would make one', () => {
    const publishers = [
      'arn:aws:iam::111122223333:user/team/ada',
      'arn:aws:iam::111122223333:user/team.ada',
      'arn:aws:iam::111122223333:role/billing#0123',
      'arn:aws:iam::111122223333:role/billing#4567',
      `arn:aws:iam::111122223333:user/${'a'.repeat(63)}b`,
      `arn:aws:iam::111122223333:user/${'a'.repeat(63)}c`,
    ]
    const names = publishers.map(roleSessionNameOf)
    assert.equal(new Set(names).size, names.length)
    assert.match(names[0] ?? '', /^sealcast-111122223333-user\.team\.ada-[0-9a-f]{12}$/)
  })

  test('keeps to the characters and the length of STS', () => {
    const paths = fc.string({ unit: 'binary', maxLength: 700 })
    fc.assert(fc.property(paths, (path) => valid(roleSessionNameOf(`arn:aws:iam::111122223333:user/${path}`))))
    fc.assert(fc.property(paths, (anything) => valid(roleSessionNameOf(anything))))
  })
})

function valid(name: string): boolean {
  return /^[\w+=,.@-]{2,64}$/.test(name)
}
