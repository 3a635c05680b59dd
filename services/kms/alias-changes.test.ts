import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { addAlias, moveAlias, removeAlias } from './alias-changes.ts'
import type { Alias, KmsKey } from './keystore-file.ts'

const PLACE = { account: '111122223333', region: 'us-east-1' }

suite('addAlias()', () => {
  test('refuses a fifty-first alias of one key', () => {
    const { keys, aliases } = setup({ aliases: 49 })
    const full = {
      keys,
      aliases: addAlias({ keys, aliases }, { ...PLACE, name: 'alias/50', targetKeyId: 'a', now: 1 }),
    }
    const more = { ...PLACE, name: 'alias/51', now: 1 }
    assert.throws(() => addAlias(full, { ...more, targetKeyId: 'a' }), { code: 'LIMIT_EXCEEDED' })
    assert.equal(addAlias(full, { ...more, targetKeyId: 'b' }).length, 51)
  })

  test('refuses a taken name, a key that is gone and one that is pending deletion', () => {
    const store = setup({ aliases: 1 })
    const add = (name: string, targetKeyId: string) => addAlias(store, { ...PLACE, name, targetKeyId, now: 1 })
    assert.throws(() => add('alias/0', 'b'), { code: 'ALREADY_EXISTS' })
    assert.throws(() => add('alias/x', 'gone'), { code: 'NOT_FOUND' })
    assert.throws(() => add('alias/x', 'pending'), { code: 'KEY_STATE_INVALID' })
  })
})

suite('moveAlias()', () => {
  test('changes target and time of one alias alone, and leaves a full key its own', () => {
    const store = setup({ aliases: 50 })
    const arn = arnOf('alias/7')
    const moved = moveAlias(store, { arn, targetKeyId: 'b', now: 9 })
    const changed = moved.filter((alias) => !store.aliases.includes(alias))
    assert.deepEqual(changed, [{ ...store.aliases[7], targetKeyId: 'b', updatedAt: 9 }])
    assert.equal(moved.length, 50)
    assert.equal(moveAlias(store, { arn, targetKeyId: 'a', now: 9 }).length, 50)
  })

  test('refuses a full key, an unknown alias, a key that is gone and one that is pending deletion', () => {
    const { keys, aliases } = setup({ aliases: 50 })
    const other: Alias = {
      ...PLACE,
      name: 'alias/b',
      arn: arnOf('alias/b'),
      targetKeyId: 'b',
      createdAt: 1,
      updatedAt: 1,
    }
    const move = (arn: string, targetKeyId: string) =>
      moveAlias({ keys, aliases: [...aliases, other] }, { arn, targetKeyId, now: 9 })
    assert.throws(() => move(other.arn, 'a'), { code: 'LIMIT_EXCEEDED' })
    assert.throws(() => move(arnOf('alias/none'), 'b'), { code: 'NOT_FOUND' })
    assert.throws(() => move(other.arn, 'gone'), { code: 'NOT_FOUND' })
    assert.throws(() => move(other.arn, 'pending'), { code: 'KEY_STATE_INVALID' })
  })
})

suite('removeAlias()', () => {
  test('takes one away, once', () => {
    const store = setup({ aliases: 2 })
    const arn = arnOf('alias/0')
    const aliases = removeAlias(store, arn)
    assert.deepEqual(aliases, [store.aliases[1]])
    assert.throws(() => removeAlias({ ...store, aliases }, arn), { code: 'NOT_FOUND' })
  })
})

function arnOf(name: string): string {
  return `arn:aws:kms:us-east-1:111122223333:${name}`
}

/** Keys a, b and one pending deletion; so many aliases of a. */
function setup({ aliases }: { aliases: number }): { keys: readonly KmsKey[]; aliases: readonly Alias[] } {
  const keyOf = (id: string, state: KmsKey['state']): KmsKey => {
    const arn = `arn:aws:kms:us-east-1:111122223333:key/${id}`
    return { id, ...PLACE, arn, description: '', tags: [], createdAt: 1, manager: 'CUSTOMER', state, materials: [] }
  }
  return {
    keys: [keyOf('a', 'Enabled'), keyOf('b', 'Disabled'), keyOf('pending', 'PendingDeletion')],
    aliases: Array.from({ length: aliases }, (_, index) => {
      const name = `alias/${index}`
      return { ...PLACE, name, arn: arnOf(name), targetKeyId: 'a', createdAt: 1, updatedAt: 1 }
    }),
  }
}
