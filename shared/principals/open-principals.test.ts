import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { BrokerError } from '#shared/errors'
import { addPrincipal, openPrincipals } from './index.ts'

suite('openPrincipals()', () => {
  test('finds a principal by access key, and nobody by any other', async () => {
    await using dir = await setup()
    const alice = await addPrincipal(dir.file, { arn: 'arn:aws:iam::123456789012:user/alice' })
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    const found = principals.findByAccessKey(alice.accessKeyId)
    assert.deepEqual(found, {
      principal: {
        kind: 'user',
        arn: alice.arn,
        account: '123456789012',
        userId: found?.principal.userId,
        policies: [],
        tags: new Map(),
        publisher: alice.arn,
        version: found?.principal.version,
      },
      secretAccessKey: alice.secretAccessKey,
    })
    assert.match(String(found?.principal.userId), /^AIDA/)
    for (const other of ['', 'AKIAOTHER', '__proto__', 'constructor', alice.accessKeyId.toLowerCase()]) {
      assert.equal(principals.findByAccessKey(other), undefined)
    }
  })

  test('has a principal in force within a second of its being added', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    for (const arn of [BOB, CAROL]) {
      const since = performance.now()
      const reloaded = dir.next('reloaded')
      const added = await addPrincipal(dir.file, { arn })
      await reloaded
      assert.ok(performance.now() - since < 1_000)
      assert.equal(principals.findByAccessKey(added.accessKeyId)?.principal.arn, arn)
    }
  })

  test('drops a principal that is gone from a file written in place', async () => {
    await using dir = await setup()
    const alice = await addPrincipal(dir.file, { arn: ALICE })
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    const reloaded = dir.next('reloaded')
    await writeFile(dir.file, EMPTY)
    await reloaded
    assert.equal(principals.findByAccessKey(alice.accessKeyId), undefined)
  })

  test('sees a change that no watch tells of: the file behind a link, in another directory', async () => {
    await using dir = await setup()
    await using elsewhere = await setup()
    const alice = await addPrincipal(elsewhere.file, { arn: ALICE })
    await symlink(elsewhere.file, dir.file)
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    const since = performance.now()
    const reloaded = dir.next('reloaded')
    await replace(elsewhere.file, EMPTY)
    await reloaded
    assert.ok(performance.now() - since < 1_000)
    assert.equal(principals.findByAccessKey(alice.accessKeyId), undefined)
  })

  test('sees the link itself being replaced, as mounted secrets do', async () => {
    await using dir = await setup()
    await using elsewhere = await setup()
    const alice = await addPrincipal(elsewhere.file, { arn: ALICE })
    const next = join(elsewhere.path, 'next.json')
    await writeFile(next, EMPTY, { mode: 0o600 })
    await symlink(elsewhere.file, dir.file)
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    const reloaded = dir.next('reloaded')
    await symlink(next, join(dir.path, 'swap'))
    await rename(join(dir.path, 'swap'), dir.file)
    await reloaded
    assert.equal(principals.findByAccessKey(alice.accessKeyId), undefined)
  })

  for (const [name, code, spoil] of [
    ['is no JSON', 'DOCUMENT_INVALID', (file: string) => replace(file, 'not JSON')],
    [
      'has an unknown field',
      'DOCUMENT_INVALID',
      (file: string) => replace(file, '{"version":1,"principals":[],"x":1}'),
    ],
    ['may be read by others', 'PRINCIPALS_FILE_EXPOSED', (file: string) => chmod(file, 0o644)],
    ['is gone', 'PRINCIPALS_FILE_MISSING', (file: string) => unlink(file)],
  ] as const) {
    test(`keeps the last good principals when the file ${name}, says so once, and recovers`, async () => {
      await using dir = await setup()
      const alice = await addPrincipal(dir.file, { arn: ALICE })
      const good = await readFile(dir.file, 'utf8')
      await using principals = await openPrincipals({ file: dir.file, ...dir.events })
      const failed = dir.next('failed')
      await spoil(dir.file)
      const error = await failed
      assert.ok(error instanceof BrokerError)
      assert.equal(error.code, code)
      assert.equal(principals.findByAccessKey(alice.accessKeyId)?.principal.arn, ALICE)

      const reloaded = dir.next('reloaded')
      await replace(dir.file, good)
      await reloaded
      assert.equal(principals.findByAccessKey(alice.accessKeyId)?.principal.arn, ALICE)
      assert.equal(dir.seen.filter((event) => event === 'failed').length, 1)
    })

    test(`does not open a file that ${name}`, async () => {
      await using dir = await setup()
      await addPrincipal(dir.file, { arn: ALICE })
      await spoil(dir.file)
      await assert.rejects(openPrincipals({ file: dir.file, ...dir.events }), { code })
    })
  }

  test('does not open a directory', async () => {
    await using dir = await setup()
    await chmod(dir.path, 0o700)
    await assert.rejects(openPrincipals({ file: dir.path, ...dir.events }), { code: 'DOCUMENT_INVALID' })
  })

  test('sees nothing any more once it is closed', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    const closed = await openPrincipals({ file: dir.file, ...dir.events })
    await closed[Symbol.asyncDispose]()
    // A second one tells when the change would have been seen.
    await using other = await setup()
    await using _ = await openPrincipals({ file: dir.file, ...other.events })
    const reloaded = other.next('reloaded')
    const bob = await addPrincipal(dir.file, { arn: BOB })
    await reloaded
    assert.equal(closed.findByAccessKey(bob.accessKeyId), undefined)
    assert.deepEqual(dir.seen, [])
  })
})

const ALICE = 'arn:aws:iam::000000000000:user/alice'
const BOB = 'arn:aws:iam::000000000000:user/bob'
const CAROL = 'arn:aws:iam::000000000000:user/carol'
const EMPTY = '{"version":1,"principals":[]}'

/** Atomically, as editors and deployment tools do. */
async function replace(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

type Event = 'reloaded' | 'failed'

async function setup() {
  const path = await mkdtemp(join(tmpdir(), 'principals-'))
  const seen: Event[] = []
  const waiting = new Map<Event, (error?: unknown) => void>()
  const saw = (event: Event, error?: unknown): void => {
    seen.push(event)
    waiting.get(event)?.(error)
    waiting.delete(event)
  }
  return {
    path,
    file: join(path, 'principals.json'),
    seen,
    events: {
      onReload: () => saw('reloaded'),
      onReloadFailure: (error: unknown) => saw('failed', error),
    },
    next: (event: Event) => new Promise<unknown>((resolve) => waiting.set(event, resolve)),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
