import assert from 'node:assert/strict'
import {
  chmod,
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { MAX_METADATA } from './account-quota.ts'
import {
  AlreadyExistsError,
  KeystoreDamagedError,
  KeystoreDirectoryError,
  KeystoreLockedError,
  KeystoreVersionError,
  KeystoreWriteError,
  NotFoundError,
  RootKeyMissingError,
  RootKeyUnusableError,
  RootKeyWrongError,
} from './errors.ts'
import { scheduleDeletion, switchKey } from './key-lifecycle.ts'
import { type KeyStore, openKeyStore } from './key-store.ts'
import type { KeystoreEvent } from './keystore-directory.ts'

const PLACE = { account: '111122223333', region: 'us-east-1' }

suite('openKeyStore()', () => {
  test('makes root key and keystore on first start, readable by the owner alone, and says so', async (t) => {
    const { dir, open, events } = await setup(t)
    await using _store = await open()
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['root-key-created', 'keystore-created'],
    )
    for (const name of ['root.key', 'keystore.json', 'keystore.lock']) {
      assert.equal((await stat(join(dir, name))).mode & 0o777, 0o600, name)
    }
  })

  test('says that the root key was there already when it finds neither keystore nor backup', async (t) => {
    const { dir, open, events } = await setup(t)
    await seeded(open)
    for (const name of await readdir(dir)) if (name.startsWith('keystore.json')) await rm(join(dir, name))
    events.length = 0
    await using _store = await open()
    assert.deepEqual(events, [{ kind: 'keystore-created', path: join(dir, 'keystore.json'), rootKeyExisted: true }])
  })

  test('has every key, alias and state again after a restart', async (t) => {
    const { open } = await setup(t)
    let arn: string
    {
      await using store = await open()
      const { id, ...key } = await createKey(store)
      arn = key.arn
      await store.createAlias({ ...PLACE, name: 'alias/a', targetKeyId: id })
      await store.changeKey(arn, (key) => switchKey(key, 'Disabled'))
    }
    await using store = await open()
    assert.equal(store.findKey(arn)?.state, 'Disabled')
    assert.equal(store.findKey(arn)?.description, 'test')
    assert.equal(store.listAliases(PLACE).length, 1)
  })

  test('leaves the store untouched and says why when the root key is wrong', async (t) => {
    const { dir, open } = await setup(t)
    await seeded(open)
    await writeFile(join(dir, 'root.key'), Buffer.alloc(32, 7).toString('base64'))
    const before = await readFile(join(dir, 'keystore.json'))
    await assert.rejects(open(), RootKeyWrongError)
    assert.deepEqual(await readFile(join(dir, 'keystore.json')), before)
    assert.deepEqual((await readdir(dir)).sort(), ['grants', 'keystore.json', 'keystore.json.bak', 'root.key'])
  })

  test('leaves the store of a newer program untouched, and takes no older backup for it', async (t) => {
    const { dir, open } = await setup(t)
    await seeded(open)
    const path = join(dir, 'keystore.json')
    const newer = JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), version: 4 })
    await writeFile(path, newer)
    await assert.rejects(open(), KeystoreVersionError)
    assert.equal(await readFile(path, 'utf8'), newer)
  })

  test('makes no new root key beside a keystore or its backup', async (t) => {
    const { dir, open } = await setup(t)
    await seeded(open)
    await unlink(join(dir, 'root.key'))
    await assert.rejects(open(), RootKeyMissingError)
    await unlink(join(dir, 'keystore.json'))
    await assert.rejects(open(), RootKeyMissingError)
    assert.ok(!(await readdir(dir)).includes('root.key'))
  })

  test('refuses a root key that others may read or that is cut', async (t) => {
    const { dir, open } = await setup(t)
    await seeded(open)
    await chmod(join(dir, 'root.key'), 0o640)
    await assert.rejects(open(), RootKeyUnusableError)
    await chmod(join(dir, 'root.key'), 0o600)
    await truncate(join(dir, 'root.key'), 20)
    await assert.rejects(open(), RootKeyUnusableError)
  })

  test('refuses a directory that others may write to', async (t) => {
    const { dir, open } = await setup(t)
    await chmod(dir, 0o777)
    await assert.rejects(open(), KeystoreDirectoryError)
  })

  test('takes the backup when the store is damaged, keeps the damaged one, and says so', async (t) => {
    const { dir, open, events } = await setup(t)
    const [first] = await seeded(open)
    await truncate(join(dir, 'keystore.json'), 100)
    {
      await using store = await open()
      assert.ok(store.findKey(first))
      assert.deepEqual(events.at(-1), { kind: 'backup-used', path: join(dir, 'keystore.json.bak'), generation: 2 })
      await createKey(store)
    }
    assert.ok((await readdir(dir)).some((name) => name.startsWith('keystore.json.damaged-')))
    await using store = await open()
    assert.equal(store.listKeys(PLACE).length, 2)
  })

  test('takes the backup when the store is gone', async (t) => {
    const { dir, open, events } = await setup(t)
    const [first] = await seeded(open)
    await unlink(join(dir, 'keystore.json'))
    await using store = await open()
    assert.ok(store.findKey(first))
    assert.equal(events.at(-1)?.kind, 'backup-used')
  })

  test('does not start when store and backup are damaged', async (t) => {
    const { dir, open } = await setup(t)
    await seeded(open)
    for (const name of ['keystore.json', 'keystore.json.bak']) await truncate(join(dir, name), 100)
    await assert.rejects(open(), KeystoreDamagedError)
  })

  test('removes what a crash left half written', async (t) => {
    const { dir, open } = await setup(t)
    await seeded(open)
    const left = ['keystore.json.tmp.1', 'keystore.lock.tmp.1', 'root.key.tmp.1']
    for (const name of left) await writeFile(join(dir, name), '{')
    const longAgo = new Date(2020, 0)
    await utimes(join(dir, 'keystore.lock.tmp.1'), longAgo, longAgo)
    await writeFile(join(dir, 'keystore.lock.tmp.2'), 'of a rival at this very moment')
    await using _store = await open()
    assert.deepEqual(
      (await readdir(dir)).filter((name) => name.includes('.tmp.')),
      ['keystore.lock.tmp.2'],
    )
  })

  test('refuses a second opening while the first lives in a container of its own, where its pid means nothing', async (t) => {
    const { dir, open } = await setup(t)
    {
      await using _store = await open()
      const lock = join(dir, 'keystore.lock')
      const { token } = JSON.parse(await readFile(lock, 'utf8'))
      const unseen = JSON.stringify({ pid: process.pid, startedAt: 'of another process with this pid', token })
      await writeFile(lock, unseen)
      await assert.rejects(open(), KeystoreLockedError)
      assert.equal(await readFile(lock, 'utf8'), unseen)
    }
  })

  test('refuses a second opening while the first lives, and allows it afterwards', async (t) => {
    const { open } = await setup(t)
    {
      await using _store = await open()
      await assert.rejects(open(), KeystoreLockedError)
    }
    await using _again = await open()
  })

  for (const [holder, lock] of [
    ['is gone', { pid: 2 ** 22 + 1, startedAt: 'x' }],
    ['had this process id in an earlier life', { pid: process.pid, startedAt: 'boot:1' }],
    ['wrote only half of it', undefined],
  ] as const) {
    test(`takes over a lock whose holder ${holder}`, async (t) => {
      const { dir, open } = await setup(t)
      await writeFile(join(dir, 'keystore.lock'), lock === undefined ? '{"pid":' : JSON.stringify(lock))
      await using _store = await open()
      await assert.rejects(open(), KeystoreLockedError)
    })
  }

  test('lets one of several win a stale lock', async (t) => {
    const { dir, open } = await setup(t)
    await seeded(open)
    await writeFile(join(dir, 'keystore.lock'), '{}')
    const results = await Promise.allSettled([open(), open(), open()])
    const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    for (const winner of winners) await winner[Symbol.asyncDispose]()
    assert.equal(winners.length, 1)
  })
})

suite('KeyStore', () => {
  test('makes changes one after the other, and all of them', async (t) => {
    const { open } = await setup(t)
    {
      await using store = await open()
      await Promise.all(Array.from({ length: 20 }, () => createKey(store)))
    }
    await using store = await open()
    assert.equal(store.listKeys(PLACE).length, 20)
  })

  test('gives an alias to one of two who ask at once', async (t) => {
    const { open } = await setup(t)
    await using store = await open()
    const { id } = await createKey(store)
    const ask = () => store.createAlias({ ...PLACE, name: 'alias/a', targetKeyId: id })
    const results = await Promise.allSettled([ask(), ask()])
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    await assert.rejects(ask(), AlreadyExistsError)
  })

  test('keeps accounts and regions apart', async (t) => {
    const { open } = await setup(t)
    await using store = await open()
    const { id, arn } = await createKey(store)
    for (const place of [
      { ...PLACE, region: 'eu-west-1' },
      { ...PLACE, account: '444455556666' },
    ]) {
      assert.deepEqual(store.listKeys(place), [])
      await store.createAlias({ ...place, name: 'alias/same', targetKeyId: id })
    }
    assert.deepEqual(store.listAliases(PLACE), [])
    assert.equal(store.findKeyById(id)?.arn, arn)
  })

  test('refuses to change a key that does not exist', async (t) => {
    const { open } = await setup(t)
    await using store = await open()
    await assert.rejects(
      store.changeKey('arn:aws:kms:us-east-1:111122223333:key/x', (key) => key),
      NotFoundError,
    )
  })

  test('does not write for a change that changes nothing', async (t) => {
    const { dir, open } = await setup(t)
    await using store = await open()
    const { arn } = await createKey(store)
    const before = await stat(join(dir, 'keystore.json'))
    await store.changeKey(arn, (key) => switchKey(key, 'Enabled'))
    assert.equal((await stat(join(dir, 'keystore.json'))).ino, before.ino)
  })

  test('does not know a key that could not be made durable, and goes on when writing works again', async (t) => {
    const { dir, open } = await setup(t)
    await using store = await open()
    const lock = join(dir, 'keystore.lock')
    await copyFile(lock, `${lock}.kept`)
    await writeFile(lock, 'somebody else')
    await assert.rejects(createKey(store), KeystoreWriteError)
    assert.deepEqual(store.listKeys(PLACE), [])
    assert.deepEqual(
      (await readdir(dir)).filter((name) => name.includes('.tmp.')),
      [],
    )
    await copyFile(`${lock}.kept`, lock)
    await createKey(store)
    assert.equal(store.listKeys(PLACE).length, 1)
  })

  test('grants an account no more room than its quota, and leaves what shrinks and other accounts alone', async (t) => {
    const { open } = await setup(t)
    await using store = await open()
    const long = 'x'.repeat(MAX_METADATA)
    const { arn } = await store.createKey({ ...PLACE, description: long })
    const { arn: plain } = await store.createKey({ ...PLACE, description: '' })
    const refused = { code: 'LIMIT_EXCEEDED' }
    await assert.rejects(store.createKey({ ...PLACE, description: 'x' }), refused)
    const describe = (arn: string, description: string) => store.changeKey(arn, (key) => ({ ...key, description }))
    await assert.rejects(describe(plain, 'x'), refused)
    const alias = { alias: 'alias/aws/sns', description: 'x', rotationDays: 365 }
    await assert.rejects(store.ensureManagedKey({ ...PLACE, ...alias }), refused)
    assert.equal(store.listKeys(PLACE).length, 2)
    await store.createKey({ ...PLACE, account: '444455556666', description: 'x' })
    await store.changeKey(arn, (key) => scheduleDeletion(key, { now: 1, windowDays: 7 }))
    await describe(arn, long.slice(1))
    await describe(plain, 'x')
  })
})

function createKey(store: KeyStore) {
  return store.createKey({ ...PLACE, description: 'test' })
}

/** A store with two keys, closed again. @returns their ARNs */
async function seeded(open: () => Promise<KeyStore>): Promise<[string, string]> {
  await using store = await open()
  return [(await createKey(store)).arn, (await createKey(store)).arn]
}

async function setup(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'sealcast-key-store-'))
  t.after(() => rm(dir, { recursive: true }))
  const events: KeystoreEvent[] = []
  const open = () => openKeyStore({ dir, clock: createFakeClock(), onEvent: (event) => events.push(event) })
  return { dir, open, events }
}
